/** Preloaded into an action: for it, time goes ten times as fast as it does, so that tests need not wait for long work. */
const now = process.hrtime.bigint.bind(process.hrtime);
process.hrtime.bigint = () => now() * 10n;
