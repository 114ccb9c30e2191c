// Work on one thing at a time within this process. Other processes are told apart by versions and locks; waiting here
// spares a hot row the attempts that would only overtake each other.
const waiting = new Map<string, Promise<unknown>>();

/** Runs `work` after all earlier work under the same name has ended, well or badly. */
export async function inTurn<T>(name: string, work: () => Promise<T>): Promise<T> {
  const before = waiting.get(name);
  const run = before ? before.then(work) : work();
  const ended = run.then(ignore, ignore);
  waiting.set(name, ended);
  try {
    return await run;
  } finally {
    if (waiting.get(name) === ended) waiting.delete(name);
  }
}

const ignore = () => undefined;
