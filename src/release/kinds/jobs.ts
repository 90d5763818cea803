import { createJob, deleteJob, getJob, type Job, listJobs, resetJob } from "../../databricks/jobs.ts";
import type { Kind, Live } from "./kind.ts";
import { listAccess } from "./listed-access.ts";

/** Jobs: known as ours by their tags, which lists show. */
export const jobs: Kind = {
  read: async (workspace, id) => {
    const job = await getJob(workspace, id);
    return job === undefined ? undefined : fromJob(job);
  },
  census: async (workspace) => {
    const found: Live[] = [];
    for await (const job of listJobs(workspace)) found.push(fromJob(job));
    return found;
  },
  list: async (workspace, { ids }) => {
    const found: Live[] = [];
    for await (const job of listJobs(workspace, { expandTasks: true })) if (ids.has(job.id)) found.push(fromJob(job));
    return found;
  },
  create: createJob,
  update: resetJob,
  remove: deleteJob,
  ...listAccess("jobs", "IS_OWNER"),
};

/** A job as it is read or listed; a list does not say whom it runs as. */
function fromJob({ id, name, settings, runAs, creator }: Job): Live {
  return { id, kind: "jobs", name, settings, runAs, creator, permissions: undefined, lastModified: undefined };
}
