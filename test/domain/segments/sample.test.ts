import t from 'tap';
import { SAMPLE_BUCKETS, sampleBucket, sampleThreshold } from '../../../src/domain/segments/sample.ts';

const ID = '01890a5d-ac96-774b-bcce-b302099a8057';
const share = (text: string): number | undefined => sampleThreshold({ type: 'number', text });

t.test('the bucket is the beginning of MD5 of salt and id, as Postgres computes it', async (t) => {
  // select ('x' || left(md5('spring:01890a5d-ac96-774b-bcce-b302099a8057'), 8))::bit(32)::bigint
  t.equal(sampleBucket('spring', ID), 0xf9d962b0);
  t.equal(sampleBucket('é', ID), 0x8e41eae0);
  t.equal(sampleBucket('', ''), 0x853ae90f);
});

t.test('a share is 0 to 100 with at most 2 decimals', async (t) => {
  for (const [text, buckets] of [
    ['0', 0],
    ['0.01', 429_496],
    ['12.5', 2 ** 29],
    ['12.50', 2 ** 29],
    ['33.33', 1_431_512_599],
    ['50', 2 ** 31],
    ['99.99', 4_294_537_799],
    ['100', SAMPLE_BUCKETS],
    ['100.00', SAMPLE_BUCKETS],
    // 1.15 × 100 is not quite 115.
    ['1.15', 49_392_123],
    ['100.01', undefined],
    ['101', undefined],
    ['1000', undefined],
    ['-1', undefined],
    ['1.005', undefined],
    ['1.', undefined],
    ['x5', undefined],
    ['5x', undefined],
  ] as const)
    t.equal(share(text), buckets, text);
  t.equal(sampleThreshold({ type: 'string', text: '50' }), undefined);
});

t.test('customers are spread evenly, and otherwise by each salt', async (t) => {
  const ids = Array.from({ length: 10_000 }, (_, index) => `customer-${index}`);
  const inside = (text: string, salt: string): Set<string> =>
    new Set(ids.filter((id) => sampleBucket(salt, id) < (share(text) ?? 0)));
  for (const percent of [1, 10, 50, 90]) {
    const size = inside(String(percent), 'a').size;
    t.ok(Math.abs(size - 100 * percent) < 200, `${size} of 10,000 are ${percent} %`);
  }
  const [ten, half, other] = [inside('10', 'a'), inside('50', 'a'), inside('50', 'b')];
  t.ok(
    [...ten].every((id) => half.has(id)),
    'a larger share has the smaller one in it',
  );
  const both = [...half].filter((id) => other.has(id)).length;
  t.ok(Math.abs(both - 2_500) < 200, `${both} of 10,000 are in two halves by two salts`);
  t.equal(inside('100', 'a').size, ids.length);
  t.equal(inside('0', 'a').size, 0);
});
