import { type Algorithm, hash } from '@node-rs/argon2';
import t from 'tap';
import { createPasswords, PasswordsBusy, takingTurns } from '../../src/clients/passwords.ts';

const passwords = createPasswords();

t.test('OWASP passwords are kept as argon2id with 19 MiB and two passes', async (t) => {
  const stored = await passwords.hash('correct horse battery staple');
  t.match(stored, /^\$argon2id\$v=19\$m=19456,t=2,p=1\$[\w+/]{22}\$[\w+/]{43}$/);
  t.same(await passwords.verify(stored, 'correct horse battery staple'), { matches: true, outdated: false });
  t.same(await passwords.verify(stored, 'correct horse battery stapler'), {
    matches: false,
    outdated: false,
  });
  t.not(await passwords.hash('correct horse battery staple'), stored, 'each has a salt of its own');
});

t.test('a password that was kept with other parameters is worth hashing again', async (t) => {
  const stored = await hash('correct horse battery staple', {
    memoryCost: 8192,
    timeCost: 1,
    parallelism: 1,
  });
  t.same(await passwords.verify(stored, 'correct horse battery staple'), { matches: true, outdated: true });
  const weaker = await hash('correct horse battery staple', { algorithm: 1 as Algorithm });
  t.same(await passwords.verify(weaker, 'correct horse battery staple'), { matches: true, outdated: true });
  t.same(await passwords.verify(stored, 'wrong'), { matches: false, outdated: false });
});

t.test('without a hash the answer is no, and takes as long', async (t) => {
  const stored = await passwords.hash('correct horse battery staple');
  t.same(await passwords.verify(undefined, 'anything'), { matches: false, outdated: false });
  // In turns, and the least of each: a busy machine only ever adds.
  const least = { known: Number.POSITIVE_INFINITY, unknown: Number.POSITIVE_INFINITY };
  const timeOf = async (hashed: string | undefined): Promise<number> => {
    const started = performance.now();
    await passwords.verify(hashed, 'wrong');
    return performance.now() - started;
  };
  for (let run = 0; run < 25; run++) {
    least.known = Math.min(least.known, await timeOf(stored));
    least.unknown = Math.min(least.unknown, await timeOf(undefined));
  }
  const { known, unknown } = least;
  t.ok(unknown > known / 2 && unknown < known * 2, `${known} ms and ${unknown} ms`);
});

t.test('no more than so many run at once, no more than so many wait, and those in turn', async (t) => {
  const inTurn = takingTurns(2, 3);
  let running = 0;
  let most = 0;
  const order: number[] = [];
  const work = (number: number) =>
    inTurn(async () => {
      most = Math.max(most, ++running);
      await new Promise((resolve) => setTimeout(resolve, 5));
      running--;
      order.push(number);
    });
  const results = await Promise.allSettled([0, 1, 2, 3, 4, 5, 6].map(work));
  t.equal(most, 2);
  t.same(order, [0, 1, 2, 3, 4]);
  t.same(
    results.map(({ status }) => status),
    ['fulfilled', 'fulfilled', 'fulfilled', 'fulfilled', 'fulfilled', 'rejected', 'rejected'],
  );
  await t.rejects(Promise.reject((results[5] as PromiseRejectedResult).reason), PasswordsBusy);
  await work(7);
  t.equal(order.at(-1), 7, 'turned away is not locked out');
});

t.test('work that fails gives its turn back', async (t) => {
  const inTurn = takingTurns(1, 5);
  await t.rejects(
    inTurn(() => Promise.reject(new Error('no'))),
    { message: 'no' },
  );
  t.equal(await inTurn(async () => 'next'), 'next');
});
