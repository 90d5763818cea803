/** Loaded before a program that is measured: writes down, when it ends, the most memory it had, in kilobytes. */
import { writeFileSync } from "node:fs";

const file = process.env["BENCH_PEAK_FILE"];
if (file !== undefined) process.once("exit", () => writeFileSync(file, String(process.resourceUsage().maxRSS)));
