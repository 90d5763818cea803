/** Preloaded into an action (`skewed-clock.ts?minutes=-10`): the machine's clock is that much ahead. */
const ahead = Number(new URL(import.meta.url).searchParams.get("minutes")) * 60_000;

const Real = Date;
globalThis.Date = new Proxy(Real, {
  construct: (target, given: unknown[], as) =>
    Reflect.construct(target, given.length === 0 ? [Real.now() + ahead] : given, as) as Date,
  get: (target, name, as) => (name === "now" ? () => Real.now() + ahead : (Reflect.get(target, name, as) as unknown)),
});
