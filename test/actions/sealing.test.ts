// Sealed secrets: only the installation's key opens them, and only where they belong.
import { randomBytes } from 'node:crypto';
import t from 'tap';
import { seal, unseal } from '../../src/actions/sealing.ts';

t.test('what was sealed is read again, and looks different each time', (t) => {
  const key = randomBytes(32);
  for (const secret of ['a', 'a secret of some length', 'Schlüssel 🔑']) {
    const [one, other] = [seal(key, 'here', secret), seal(key, 'here', secret)];
    t.equal(unseal(key, 'here', one), secret);
    t.notOk(one.equals(other));
    // A single byte turns up in any thirty by chance.
    if (secret.length > 8) t.notOk(one.includes(secret));
  }
  t.end();
});

t.test('another key, another place or a changed byte opens nothing', (t) => {
  const key = randomBytes(32);
  const sealed = seal(key, 'here', 'secret');
  t.throws(() => unseal(randomBytes(32), 'here', sealed));
  t.throws(() => unseal(key, 'there', sealed));
  for (let at = 0; at < sealed.length; at++) {
    const changed = Buffer.from(sealed);
    changed[at] = (changed[at] ?? 0) ^ 1;
    t.throws(() => unseal(key, 'here', changed), `byte ${at}`);
  }
  t.throws(() => unseal(key, 'here', sealed.subarray(0, 20)), 'cut off');
  t.end();
});
