// Work at intervals: the next run begins an interval after the last one ended, so runs never overlap.
export interface Timer {
  /** Waits for a run that is under way. */
  stop(): Promise<void>;
}

/** Runs `work` every `intervalMs`, the first time after one interval; errors go to `onError` and end nothing. */
export function startTimer(
  intervalMs: number,
  work: () => Promise<unknown>,
  onError: (error: Error) => void,
): Timer {
  let stopped = false;
  let running: Promise<unknown> = Promise.resolve();
  let next: NodeJS.Timeout;
  const plan = () => {
    next = setTimeout(() => {
      running = work()
        .catch(onError)
        .finally(() => {
          if (!stopped) plan();
        });
    }, intervalMs);
  };
  plan();
  return {
    async stop() {
      stopped = true;
      clearTimeout(next);
      await running;
    },
  };
}
