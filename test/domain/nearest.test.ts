import fc from 'fast-check';
import t from 'tap';
import { nearest } from '../../src/domain/nearest.ts';

t.test('one or two wrong letters find the name that was meant', async (t) => {
  const names = ['email', 'firstName', 'lastName', 'limit', 'id'];
  const cases: [string, string | undefined][] = [
    ['emial', 'email'],
    ['firstname', 'firstName'],
    ['fristName', 'firstName'],
    ['lastNam', 'lastName'],
    ['limits', 'limit'],
    ['ids', 'id'],
    ['to', undefined],
    ['phone', undefined],
    ['', undefined],
  ];
  for (const [word, meant] of cases) t.equal(nearest(word, names), meant, `${word} → ${meant}`);
});

t.test('the nearest wins over an earlier candidate, the first among equals', async (t) => {
  t.equal(nearest('stats', ['states', 'stat']), 'states');
  t.equal(nearest('starts', ['stats12', 'stat', 'start']), 'start');
  t.equal(nearest('name', []), undefined);
});

t.test('a known name is always its own nearest, and a megabyte of letters is answered at once', async (t) => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.string({ minLength: 1 }), { minLength: 1 }), (names) => {
      const found = nearest(names[0] ?? '', names);
      return found?.toLowerCase() === names[0]?.toLowerCase();
    }),
  );
  const before = performance.now();
  t.equal(nearest('x'.repeat(1_000_000), ['email']), undefined);
  t.ok(performance.now() - before < 200);
});
