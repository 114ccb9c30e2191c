import t from 'tap';
import { jsonPointer } from '../../src/domain/json-pointer.ts';

t.test('paths are written as RFC 6901 says', async (t) => {
  t.equal(jsonPointer([]), '');
  t.equal(jsonPointer(['orders', 0, 'total']), '/orders/0/total');
  t.equal(jsonPointer(['a/b', 'c~d', '~1', '']), '/a~1b/c~0d/~01/');
});

t.test('a name of a megabyte is cut', async (t) => {
  t.ok(jsonPointer(['x'.repeat(1_000_000)]).length < 300);
});
