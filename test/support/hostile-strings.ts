// Some forty texts that have broken something somewhere: each is aimed at a reader further down, never at us alone.

export interface HostileString {
  what: string;
  text: string;
}

const of = (what: string, text: string): HostileString => ({ what, text });

/** No NUL and no half surrogate pair: those are no text, and refused at the door. */
export const HOSTILE_STRINGS: readonly HostileString[] = [
  of('a header of mail', 'Ada\r\nBcc: evil@example.com'),
  of('a header with a bare line feed', 'Ada\nSet-Cookie: a=b'),
  of('a header with a bare return', 'Ada\rX-Evil: 1'),
  of('a folded header', 'Ada\r\n X-Evil: 1'),
  of('the end of a mail', 'Ada\r\n.\r\nMAIL FROM:<evil@example.com>'),
  of('an encoded word', '=?utf-8?q?=0D=0ABcc:_evil=40example.com?='),
  of('a second address', 'Ada" <evil@example.com>, "x'),
  of('a formula', '=1+1'),
  of('a formula with a command', "=cmd|' /C calc'!A0"),
  of('a formula with @', '@SUM(1+1)'),
  of('a formula with +', '+1+1'),
  of('a formula with -', '-2+3'),
  of('a formula behind a tab', '\t=1+1'),
  of('a formula behind a return', '\r=1+1'),
  of('a formula behind an apostrophe', "'=1+1"),
  of('quotes', 'a"b""c\'d'),
  of('separators', 'a,b;c\td|e'),
  of('lines', 'a\nb\r\nc'),
  of('a script', '<script>alert(1)</script>'),
  of('an image that runs', '"><img src=x onerror=alert(1)>'),
  of('an attribute', "' onmouseover=alert(1) x='"),
  of('a closed comment', '--><svg/onload=alert(1)>'),
  of('entities', '&lt;b&gt; &amp;amp; &#60;'),
  of('a link', 'javascript:alert(1)'),
  of('an expression of templates', '{{ 7 | times: 7 }}'),
  of('a loop of templates', '{% for i in (1..1000000) %}x{% endfor %}'),
  of('a template of other engines', '#{7*7}<%= 7*7 %>[[7*7]]'),
  of('SQL', "'; drop table customers; --"),
  of('SQL with a comment', "admin'/*"),
  of('a pattern of LIKE', '%_\\%'),
  of('a path', '../../../../etc/passwd'),
  of('LDAP', '*)(uid=*))(|(uid=*'),
  of('a shell', '$(touch /tmp/x) `id` | id ; id'),
  of('formats', '%s%n%x %d {0}'),
  of('escapes of a terminal', '\u001b[2J\u001b]0;evil\u0007'),
  of('a line of a log', '","level":60,"msg":"forged"}\n{"level":60}'),
  of('separators of Unicode', 'a\u2028b\u2029c\u0085d'),
  of('right to left', '\u202egnp.exe\u202c \u200f\u2066x\u2069'),
  of('an emoji of many parts', '👩🏽‍❤️‍💋‍👨🏿 🇩🇪 ﷽ Z͑ͫ̓ͪ̂ͫ̽͏̴̙̤̞a̅l̀g̀ò'),
  of('nothing to be seen', '\u200b\u00a0\ufeff\u00ad'),
  of('escapes of JSON', '\\u0000 \\" \\ud800 \\'),
  of('a prototype', '__proto__'),
];
