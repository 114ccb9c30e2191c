import t from 'tap';
import { judgeRefresh, sessionEnd } from '../../../src/domain/accounts/sessions.ts';
import { networkOf } from '../../../src/domain/accounts/throttles.ts';
import { formatToken, judgeToken, linkExpiry, storeOfToken } from '../../../src/domain/accounts/tokens.ts';

t.test('a network is an IPv4 address or the /64 of an IPv6 address', async (t) => {
  t.equal(networkOf('192.0.2.17'), '192.0.2.17');
  t.equal(networkOf('::ffff:192.0.2.17'), '192.0.2.17');
  t.equal(networkOf('2001:db8:1:2:3:4:5:6'), '2001:db8:1:2');
  t.equal(networkOf('2001:0DB8:0001:0002::1'), '2001:db8:1:2');
  t.equal(networkOf('2001:db8::1'), '2001:db8:0:0');
  t.equal(networkOf('fe80::1%eth0'), 'fe80:0:0:0');
  t.equal(networkOf('::1'), '0:0:0:0');
});

const now = new Date('2026-05-01T12:00:00Z');
const later = (ms: number) => new Date(now.getTime() + ms);
const DAY = 86_400_000;

t.test('I3 a link of 24 hours and one second is expired, a used or revoked one unknown', async (t) => {
  const token = { expiresAt: linkExpiry(now), usedAt: null, revokedAt: null };
  t.equal(judgeToken(token, later(DAY - 1000)), 'usable');
  t.equal(judgeToken(token, later(DAY)), 'expired');
  t.equal(judgeToken(token, later(DAY + 1000)), 'expired');
  t.equal(judgeToken({ ...token, usedAt: now }, now), 'unknown');
  t.equal(judgeToken({ ...token, revokedAt: now }, now), 'unknown');
  t.equal(
    judgeToken({ ...token, usedAt: now }, later(DAY + 1000)),
    'unknown',
    'a used one says nothing of its age',
  );
  t.equal(judgeToken(undefined, now), 'unknown');
});

t.test('I1 a token carries its store and 256 bits', async (t) => {
  const storeId = '0199a3c4-7e1f-7a60-9d39-6f1f3f1f9a11';
  const text = formatToken(storeId, Buffer.alloc(32, 7));
  t.equal(text.length, 64);
  t.equal(storeOfToken(text), storeId);
  for (const wrong of ['', 'x', text.slice(1), `${text}A`, text.replace(/^./, '!')])
    t.equal(storeOfToken(wrong), undefined);
});

t.test('RFC 9700 a refresh token that was exchanged before is told apart from worthless ones', async (t) => {
  const session = { endedAt: null, expiresAt: later(DAY) };
  const token = { expiresAt: later(DAY), usedAt: null, session };
  t.equal(judgeRefresh(token, now), 'usable');
  t.equal(judgeRefresh({ ...token, usedAt: now }, now), 'reused');
  t.equal(judgeRefresh({ ...token, expiresAt: now }, now), 'worthless');
  t.equal(judgeRefresh({ ...token, usedAt: now, session: { ...session, endedAt: now } }, now), 'worthless');
  t.equal(judgeRefresh({ ...token, session: { ...session, expiresAt: now } }, now), 'worthless');
  t.equal(judgeRefresh(undefined, now), 'worthless');
});

t.test('a session ends 30 days after its last use and 180 days after the log-in', async (t) => {
  t.same(sessionEnd(now, now), later(30 * DAY));
  t.same(sessionEnd(now, later(100 * DAY)), later(130 * DAY));
  t.same(sessionEnd(now, later(170 * DAY)), later(180 * DAY));
});
