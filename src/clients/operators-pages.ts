// The page of operators: queues, mails that wait, jobs that failed, last self-checks. Tables without any script; a reload shows
// the present, and nothing changes under the eyes of who reads.
import { html } from 'ghtml';
import { ageSeconds, type Backlog, type StoreJob, type StoreSelfCheck } from '../domain/operations.ts';
import { documentOf } from './page-layout.ts';

/** Everything that the page shows. */
export interface OperatorsView extends Backlog {
  failedJobs: readonly StoreJob[];
  selfChecks: readonly StoreSelfCheck[];
}

const STYLE =
  ':root{color-scheme:light dark}body{max-width:72rem;margin:2rem auto;padding:0 1rem;font:1rem/1.5 system-ui,sans-serif}' +
  'table{border-collapse:collapse;width:100%;margin:0 0 2rem}caption{text-align:left;font-size:1.25rem;font-weight:600;padding:.5rem 0}' +
  'th,td{text-align:left;vertical-align:top;padding:.35rem .75rem .35rem 0;border-bottom:1px solid #8886;overflow-wrap:anywhere}' +
  'td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}.bad{font-weight:700}';

const UNITS = [
  ['d', 86_400],
  ['h', 3_600],
  ['min', 60],
] as const;

/** `4 min`; the largest unit says enough. */
function age(since: Date | null, now: Date): string {
  if (!since) return '–';
  const seconds = ageSeconds(since, now);
  for (const [unit, size] of UNITS) if (seconds >= size) return `${Math.floor(seconds / size)} ${unit}`;
  return `${seconds} s`;
}

type Cell = string | { number: number; isBad?: boolean };

function cellOf(cell: Cell): string {
  if (typeof cell === 'string') return html`<td>${cell}</td>`;
  return cell.isBad && cell.number > 0
    ? html`<td class="n bad"><strong>${cell.number}</strong></td>`
    : html`<td class="n">${cell.number}</td>`;
}

const isNumber = (cell: Cell | undefined): boolean => typeof cell === 'object';

/** A table whose first column names the row; without rows it says so. */
function table(
  caption: string,
  heads: readonly string[],
  rows: readonly (readonly Cell[])[],
  none: string,
): string {
  if (rows.length === 0) return html`<h2>${caption}</h2><p>${none}</p>`;
  const head = heads.map((text, column) =>
    isNumber(rows[0]?.[column])
      ? html`<th scope="col" class="n">${text}</th>`
      : html`<th scope="col">${text}</th>`,
  );
  const body = rows.map(
    ([first = '', ...others]) => html`<tr><th scope="row">${String(first)}</th>!${others.map(cellOf)}</tr>`,
  );
  return html`<table><caption>${caption}</caption><thead><tr>!${head}</tr></thead><tbody>!${body}</tbody></table>`;
}

const queueTable = ({ queues, at }: OperatorsView): string =>
  table(
    'Queues',
    ['Queue', 'Waiting', 'Running', 'Failed in 7 days', 'Oldest waits for', 'Last sign of life'],
    queues.map((state) => [
      state.queue,
      { number: state.waiting },
      { number: state.running },
      { number: state.failed, isBad: true },
      age(state.oldestWaitingAt, at),
      age(state.lastAliveAt, at),
    ]),
    'There are no queues.',
  );

const mailTable = ({ mail, at }: OperatorsView): string =>
  table(
    'Mails',
    ['State', 'Of', 'Mails', 'Due for'],
    mail.map(({ state, inCampaign, mails, oldestAt }) => [
      state,
      inCampaign ? 'campaigns' : 'single mails',
      { number: mails, isBad: state === 'unknown' },
      age(oldestAt, at),
    ]),
    'No mail waits.',
  );

const failedTable = ({ failedJobs, at }: OperatorsView): string =>
  table(
    'Jobs that failed',
    ['Job', 'Kind', 'Store', 'Done', 'Error', 'Ended before'],
    failedJobs.map(({ id, kind, storeId, done, total, errorCode, finishedAt }) => [
      id,
      kind,
      storeId,
      `${done} of ${total ?? '?'}`,
      errorCode ?? '–',
      age(finishedAt, at),
    ]),
    'No job failed.',
  );

const checkTable = ({ selfChecks, at }: OperatorsView): string =>
  table(
    'Last self-checks',
    ['Store', 'Ended before', 'Customers with wrong counters', 'Faults of the ledger'],
    selfChecks.map(({ storeId, finishedAt, drifted, ledgerFaults }) => [
      storeId,
      finishedAt ? age(finishedAt, at) : 'none in three days',
      { number: drifted, isBad: true },
      { number: ledgerFaults, isBad: true },
    ]),
    'There is no store yet.',
  );

/** A whole HTML document. */
export function operatorsPage(view: OperatorsView): string {
  const tables = [queueTable, mailTable, failedTable, checkTable].map((make) => make(view));
  return documentOf({
    title: 'Operations – Clientele',
    style: STYLE,
    body: html`<main>
<h1>Operations</h1>
<p>As at <time datetime="${view.at.toISOString()}">${view.at.toISOString()}</time>, over all stores.</p>
!${tables}
</main>`,
  });
}
