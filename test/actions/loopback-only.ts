/**
 * Preloaded into every action under test (`node --import`): a connection to anything but this machine, or a question to a
 * name server, is refused and told on stderr, which the harness looks for. Needs no root.
 */
import dns from "node:dns";
import net from "node:net";

const MARK = "loopback-only: refused";
const LOCAL = /^(localhost|::1|\[::1\]|127(\.\d{1,3}){3})$/;

function refuse(what: string): Error {
  process.stderr.write(`${MARK} ${what}\n`);
  return Object.assign(new Error(`${MARK} ${what}`), { code: "EACCES" });
}

// oxlint-disable-next-line typescript/unbound-method -- it is applied to its own socket below
const connect = net.Socket.prototype.connect;
net.Socket.prototype.connect = function connectToLoopback(this: net.Socket, ...args: unknown[]): net.Socket {
  const host = hostOf(args);
  if (!LOCAL.test(host)) {
    const error = refuse(`a connection to ${host}`);
    process.nextTick(() => this.destroy(error));
    return this;
  }
  return Reflect.apply(connect, this, args) as net.Socket;
};

/** net normalizes its arguments into one array of [options, callback] before it comes here. */
function hostOf(args: readonly unknown[]): string {
  const first = Array.isArray(args[0]) ? (args[0] as readonly unknown[])[0] : args[0];
  if (typeof first === "object" && first !== null) {
    const { host, path } = first as { host?: unknown; path?: unknown };
    if (typeof path === "string") return path;
    return typeof host === "string" ? host : "localhost";
  }
  return typeof args[1] === "string" ? args[1] : "localhost";
}

const lookup = dns.lookup;
dns.lookup = ((name: string, ...rest: unknown[]) => {
  if (LOCAL.test(name)) return Reflect.apply(lookup, dns, [name, ...rest]) as unknown;
  const callback = rest.at(-1);
  const error = refuse(`a name look-up of ${name}`);
  if (typeof callback === "function") process.nextTick(() => (callback as (error: Error) => void)(error));
  return {};
}) as typeof dns.lookup;
