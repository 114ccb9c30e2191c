// Mutation run over the segment engine: breaks each operator of it in turn and asks whether a test turns red.
// It mutates what `npm test` runs, the compiled files; reports lie in dist/mutation. Not part of CI.
import { readdirSync } from 'node:fs';

const TESTS = 'dist/test/domain/segments';
/** Asked last, because they take longest; the first test that turns red ends a mutant. */
const SLOW = ['explain', 'json', 'broken-queries', 'evaluate-oracle', 'round-trip'].map(
  (name) => `${name}.test.js`,
);

const byHaste = (one, other) => SLOW.indexOf(one) - SLOW.indexOf(other);
const testFiles = readdirSync(TESTS)
  .filter((file) => file.endsWith('.test.js'))
  .sort(byHaste);

process.env.SEGMENT_SEED ??= '1';

export default {
  mutate: ['dist/src/domain/segments/*.js'],
  testRunner: 'tap',
  tap: { testFiles: testFiles.map((file) => `${TESTS}/${file}`), nodeArgs: [] },
  concurrency: 2,
  ignorePatterns: ['**', '!package.json', '!docs/**', '!dist/{src,scripts,test}/**'],
  tempDirName: 'dist/mutation/sandbox',
  reporters: ['clear-text', 'progress', 'json', 'html'],
  clearTextReporter: { allowColor: false, reportTests: false, logTests: false },
  jsonReporter: { fileName: 'dist/mutation/report.json' },
  htmlReporter: { fileName: 'dist/mutation/report.html' },
  thresholds: { high: 95, low: 90, break: 85 },
};
