// Steps of a trial: each is told as a line of TAP, and the last line counts them for .ci/run.

/** What a step that cannot be tried here throws: a reason, not a failure. */
export class Skipped extends Error {}

const counts = { passed: 0, failed: 0, skipped: 0 };

const indented = (text: string): string => text.replaceAll('\n', '\n  ');

/** Runs one step; what it returns is shown behind its name. True unless it failed or was skipped. */
export async function step(name: string, work: () => Promise<string | undefined>): Promise<boolean> {
  try {
    const note = await work();
    counts.passed++;
    process.stdout.write(`ok - ${name}${note ? ` (${note})` : ''}\n`);
    return true;
  } catch (error) {
    const { message } = error as Error;
    if (error instanceof Skipped) {
      counts.skipped++;
      process.stdout.write(`ok - ${name} # SKIP ${message}\n`);
    } else {
      counts.failed++;
      process.stdout.write(`not ok - ${name}\n  ${indented(message)}\n`);
    }
    return false;
  }
}

export const hasFailed = (): boolean => counts.failed > 0;

/** Writes the line that .ci/run reads, and sets the exit code. */
export function report(suite: string): void {
  const { passed, failed, skipped } = counts;
  process.stdout.write(`# ${suite}: ${passed} passed, ${failed} failed, ${skipped} skipped\n`);
  process.exitCode = failed === 0 ? 0 : 1;
}
