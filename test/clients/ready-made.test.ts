import t from 'tap';
import { bareVariables } from '../../scripts/support/bare-variables.ts';
import { createRenderer } from '../../src/clients/mail-renderer.ts';
import { compileTemplate } from '../../src/clients/template-compiler.ts';
import { MESSAGE_KINDS } from '../../src/domain/mail/messages.ts';
import { COMPILED } from '../../src/domain/mail/ready-made/compiled.ts';
import { READY_MADE, type ReadyMade } from '../../src/domain/mail/ready-made/templates.ts';
import { exampleVariables, type Variables } from '../../src/domain/mail/template-variables.ts';
import {
  checkDeclarations,
  checkVariables,
  checkWayOut,
  TEMPLATE_KEY_PATTERN,
} from '../../src/domain/mail/templates.ts';

const renderer = createRenderer({ threads: 1 });
t.teardown(() => renderer.close());

const jobOf = ({ key, subject, variables: declared }: ReadyMade, variables: Variables) => ({
  template: {
    id: key,
    number: 1,
    subject,
    html: COMPILED[key]?.html ?? '',
    text: COMPILED[key]?.text ?? '',
    missing: 'fail' as const,
    variables: declared,
    locale: 'en',
  },
  variables,
});

t.test(
  'what is stored for a new store is what its templates compile to, and passes what publishing asks',
  async (t) => {
    t.same(
      Object.keys(COMPILED),
      READY_MADE.map(({ key }) => key),
    );
    for (const template of READY_MADE) {
      const { key, variables } = template;
      const source = { ...template, format: 'mjml' as const, textSource: null, locale: 'en' };
      const compiled = await compileTemplate(source);
      if (!compiled.ok) throw new Error(`${key}: ${JSON.stringify(compiled.problems)}`);
      t.same(
        COMPILED[key],
        { html: compiled.html, text: compiled.text },
        `${key}: run \`npm run ready-made\``,
      );
      t.same(checkDeclarations(variables), [], key);
      t.same(checkVariables(compiled.uses, variables), [], key);
      t.same(checkWayOut(compiled.uses, source), [], key);
      t.match(key, new RegExp(TEMPLATE_KEY_PATTERN));
    }
  },
);

t.test('every mail that the service writes by itself has a template', async (t) => {
  const keys = READY_MADE.map(({ key }) => key);
  // The others bring a template along, or come with a later room.
  const others = ['test', 'campaign', 'automation', 'ticket_reply'];
  for (const kind of Object.keys(MESSAGE_KINDS)) if (!others.includes(kind)) t.ok(keys.includes(kind), kind);
  for (const template of READY_MADE) {
    const messageClass = (MESSAGE_KINDS as Record<string, string>)[template.key];
    if (messageClass !== undefined) t.equal(template.class, messageClass, template.key);
  }
});

t.test(
  'every ready-made template renders in both parts, with a full customer and with the barest one',
  async (t) => {
    for (const template of READY_MADE) {
      const shown = { full: exampleVariables(template.variables), bare: bareVariables(template.variables) };
      for (const [kind, variables] of Object.entries(shown)) {
        const [outcome] = await renderer.renderMails([jobOf(template, variables)]);
        const name = `${template.key} ${kind}`;
        if (!outcome?.ok) throw new Error(`${name}: ${JSON.stringify(outcome)}`);
        t.ok(outcome.subject.length > 3, name);
        for (const part of [outcome.subject, outcome.html, outcome.text]) {
          t.notMatch(part, /\{\{|\{%|zq\d|undefined|\[object|NaN/, name);
        }
        t.notMatch(outcome.text, /<[a-z]|&[a-z]+;|\n{3}|[ \t]\n/, `${name}: plain text`);
        t.match(outcome.text, /Lantern & Wick/, name);
        t.match(outcome.html, /<html lang="en"/, name);
        t.ok(outcome.html.length < 60_000, `${name}: Gmail cuts off after 102 kB`);
        if (template.class === 'marketing') {
          t.match(outcome.html, /href="https:\/\/shop\.example\/unsubscribe\/EXAMPLE"/, name);
          t.match(outcome.text, /https:\/\/shop\.example\/unsubscribe\/EXAMPLE/, name);
        }
      }
    }
  },
);
