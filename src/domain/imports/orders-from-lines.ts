// Orders out of files with one row per item (UCI "Online Retail" is one): rows with the same order id become one order
// (O1), an order id with the credit note's prefix becomes a credit note. Streams: only the orders that are still open
// are held. An order with a bad row is left out whole, because half an order would count as a smaller one; every row
// of it is reported, so that the error rows can be mended and sent again.
import { multiplyAmount, roundMajor, sumAmounts } from '../money.ts';
import type { IncomingOrder } from '../order-upserts.ts';
import type { OrderAddress, OrderItem, OrderStatus } from '../orders.ts';
import { localDateReader } from './local-dates.ts';

/** Names of the file's columns. A row names its customer by `customerExternalId`, by `email`, or by both. */
export interface LineColumns {
  orderId: string;
  sku: string;
  title: string;
  quantity: string;
  placedAt: string;
  unitPrice: string;
  customerExternalId?: string;
  email?: string;
  firstName?: string;
  lastName?: string;
  /** Two letters of ISO 3166-1 or a name of `countryCodes`. */
  country?: string;
}

export interface LineMapping {
  columns: LineColumns;
  /** ISO 4217; prices are decimal numbers in its major unit. */
  currency: string;
  decimalMark: '.' | ',';
  /** As for `localDateReader`; local to `timezone`. */
  dateFormat: string;
  timezone: string;
  /** Of every order of the file. */
  status: OrderStatus;
  taxesIncluded: boolean;
  /** Order ids that start so are credit notes: all their quantities are negative. Without it there are none. */
  creditNotePrefix?: string;
  /** Cut off customer ids: spreadsheets export 17850 as `17850.0`. */
  customerIdSuffix?: string;
  /** Last name for customers of files without names (C2 wants one); `{id}` stands for the external id. */
  customerLastName?: string;
  /** Code by the file's name for a country; null for names that are no country. */
  countryCodes?: Readonly<Record<string, string | null>>;
}

export type LineRow = Readonly<Record<string, string | undefined>>;

export interface LineCustomer {
  externalId: string | null;
  email: string | null;
  firstName: string | null;
  lastName: string | null;
}

/** What a completed order id is; `lines` are the file's line numbers. */
export type SalesDocument =
  | { kind: 'order'; externalId: string; customer: LineCustomer; order: IncomingOrder; lines: number[] }
  | { kind: 'credit-note'; externalId: string; customer: LineCustomer; note: CreditNote; lines: number[] };

/** Money given back without saying for which order. Quantities and amounts are positive, in minor units. */
export interface CreditNote {
  id: string;
  at: Date;
  currency: string;
  amount: number;
  items: { sku: string | null; quantity: number; unitPrice: number }[];
}

export type LineProblemCode =
  | 'NO_CUSTOMER'
  | 'VALUE_MISSING'
  | 'QUANTITY_INVALID'
  | 'PRICE_INVALID'
  | 'PRICE_ROUNDED'
  | 'DATE_INVALID'
  | 'COUNTRY_UNKNOWN'
  | 'CUSTOMER_DIFFERS'
  | 'AMOUNT_TOO_LARGE'
  | 'ORDER_TOO_LONG'
  | 'ORDER_INCOMPLETE'
  | 'ORDER_LINES_SPLIT';

/** `error`: the row is in no order. `skipped`: nor is it meant to be. `warning`: it is, but not to the letter. */
export interface LineProblem {
  line: number;
  column?: string;
  code: LineProblemCode;
  level: 'error' | 'skipped' | 'warning';
  message: string;
}

export interface Assembled {
  documents: SalesDocument[];
  problems: LineProblem[];
}

export interface LineAssembler {
  push(row: LineRow, line: number): Assembled;
  /** The rest, at the end of the file. */
  end(): Assembled;
  /** The first line that a restart has to read again; undefined when nothing is open. */
  oldestOpenLine(): number | undefined;
}

/**
 * Order ids that stay open at once. Rows of an order lie together, but tills that print at the same moment interleave:
 * in Online Retail one invoice of 25,900 has two rows of another one inside it.
 */
const MAX_OPEN = 8;
/** A guard for memory; the longest invoice of Online Retail has 1,114 rows. */
const MAX_LINES_PER_ORDER = 10_000;
const MAX_QUANTITY = 2_147_483_647;

interface OpenDocument {
  id: string;
  isCreditNote: boolean;
  customer: LineCustomer | undefined;
  countryCode: string | null;
  firstLine: number;
  placedAt: Date | undefined;
  items: OrderItem[];
  lines: number[];
  broken: boolean;
}

interface ReadLine {
  item: OrderItem;
  placedAt: Date;
}

/** Rows go in one by one, with their line numbers; documents come out in the order in which they ended. */
export function assembleLines(mapping: LineMapping): LineAssembler {
  const readLine = lineReader(mapping);
  const open = new Map<string, OpenDocument>();
  // Ids only, about 60 bytes each: an id that comes back after its order was handed out would replace that order.
  const closed = new Set<string>();

  function close(document: OpenDocument): Assembled {
    open.delete(document.id);
    closed.add(document.id);
    return complete(document, mapping);
  }

  function push(row: LineRow, line: number): Assembled {
    const id = cell(row, mapping.columns.orderId);
    if (id === '') return onlyProblem(line, 'VALUE_MISSING', 'has no order id', mapping.columns.orderId);
    if (closed.has(id))
      return onlyProblem(line, 'ORDER_LINES_SPLIT', `belongs to ${id}, which ended far above it`);
    const document = open.get(id) ?? openDocument(id, row, line, mapping);
    open.delete(id);
    open.set(id, document);
    const problems = take(document, row, line, mapping, readLine);
    const [oldest] = open.size > MAX_OPEN ? open.values() : [];
    return oldest === undefined
      ? { documents: [], problems }
      : joined([{ documents: [], problems }, close(oldest)]);
  }

  return {
    push,
    end: () => joined([...open.values()].map(close)),
    oldestOpenLine: () =>
      open.size === 0 ? undefined : Math.min(...[...open.values()].map((one) => one.firstLine)),
  };
}

/** Columns of the mapping that the file does not have: to be asked before the first row. */
export function missingColumns(mapping: LineMapping, header: readonly string[]): string[] {
  return Object.values(mapping.columns).filter((column: string) => !header.includes(column));
}

function openDocument(id: string, row: LineRow, line: number, mapping: LineMapping): OpenDocument {
  return {
    id,
    isCreditNote: mapping.creditNotePrefix !== undefined && id.startsWith(mapping.creditNotePrefix),
    customer: readCustomer(row, mapping),
    countryCode: readCountry(row, mapping) ?? null,
    firstLine: line,
    placedAt: undefined,
    items: [],
    lines: [],
    broken: false,
  };
}

/** Puts the row into its document; says what is wrong with it, and with the rows before it if it breaks them. */
function take(
  document: OpenDocument,
  row: LineRow,
  line: number,
  mapping: LineMapping,
  readLine: ReturnType<typeof lineReader>,
): LineProblem[] {
  const customer = readCustomer(row, mapping);
  if (customerKey(customer) !== customerKey(document.customer)) {
    return [
      ...broken(document),
      problem(line, 'CUSTOMER_DIFFERS', `names another customer than line ${document.firstLine}`),
    ];
  }
  if (customer === undefined)
    return [problem(line, 'NO_CUSTOMER', 'names no customer', undefined, 'skipped')];
  const { read, problems } = readLine(row, line, document.isCreditNote);
  if (read === undefined) return [...broken(document), ...problems];
  if (document.broken) return [...problems, incomplete(line)];
  if (document.items.length === MAX_LINES_PER_ORDER) {
    return [
      ...broken(document),
      problem(line, 'ORDER_TOO_LONG', `is number ${MAX_LINES_PER_ORDER + 1} of its order`),
    ];
  }
  document.items.push(read.item);
  document.lines.push(line);
  if (document.placedAt === undefined || read.placedAt < document.placedAt) document.placedAt = read.placedAt;
  return document.lines.length > 1 ? problems : [...problems, ...countryWarning(row, line, mapping)];
}

/** From here on the document gives no order; the rows it holds are handed back. */
function broken(document: OpenDocument): LineProblem[] {
  const problems = document.lines.map(incomplete);
  document.broken = true;
  document.items = [];
  document.lines = [];
  return problems;
}

function complete(document: OpenDocument, mapping: LineMapping): Assembled {
  const { id: externalId, customer, placedAt, items, lines } = document;
  if (customer === undefined || placedAt === undefined || document.broken)
    return { documents: [], problems: [] };
  const amount = sumOfLines(items);
  if (amount === undefined) {
    const message = 'belongs to an order whose sums pass 2^53';
    return { documents: [], problems: lines.map((line) => problem(line, 'AMOUNT_TOO_LARGE', message)) };
  }
  const sold: SalesDocument = document.isCreditNote
    ? {
        kind: 'credit-note',
        externalId,
        customer,
        note: creditNote(externalId, placedAt, items, amount, mapping),
        lines,
      }
    : {
        kind: 'order',
        externalId,
        customer,
        order: incomingOrder(document, placedAt, amount, mapping),
        lines,
      };
  return { documents: [sold], problems: [] };
}

function sumOfLines(items: readonly OrderItem[]): number | undefined {
  const amounts = items.map((item) => multiplyAmount(item.quantity, item.unitPrice));
  const sum = sumAmounts(amounts.map((amount) => (typeof amount === 'number' ? amount : Number.NaN)));
  return typeof sum === 'number' ? sum : undefined;
}

/** O1: the version of the platform is the order's own date, so the same file twice changes nothing (O3). */
function incomingOrder(
  document: OpenDocument,
  placedAt: Date,
  total: number,
  mapping: LineMapping,
): IncomingOrder {
  const address: OrderAddress | null =
    document.countryCode === null ? null : { countryCode: document.countryCode };
  return {
    status: mapping.status,
    currency: mapping.currency,
    placedAt,
    platformUpdatedAt: placedAt,
    items: document.items,
    shipping: 0,
    tax: 0,
    taxesIncluded: mapping.taxesIncluded,
    discount: 0,
    total,
    creditPaid: 0,
    pointsPaid: 0,
    paymentMethod: null,
    channel: null,
    couponCodes: [],
    email: document.customer?.email ?? null,
    isTest: false,
    shippingAddress: address,
    billingAddress: null,
  };
}

function creditNote(
  id: string,
  at: Date,
  items: readonly OrderItem[],
  amount: number,
  { currency }: LineMapping,
): CreditNote {
  return {
    id,
    at,
    currency,
    amount,
    items: items.map(({ sku, quantity, unitPrice }) => ({ sku, quantity, unitPrice })),
  };
}

function lineReader(mapping: LineMapping) {
  const { columns } = mapping;
  const readDate = cached(localDateReader(mapping.dateFormat, mapping.timezone));
  return (
    row: LineRow,
    line: number,
    isCreditNote: boolean,
  ): { read?: ReadLine; problems: LineProblem[] } => {
    const problems: LineProblem[] = [];
    const wrong = (code: LineProblemCode, message: string, column: string) =>
      problems.push(problem(line, code, message, column));
    const sku = cell(row, columns.sku);
    const title = cell(row, columns.title);
    if (sku === '' && title === '') wrong('VALUE_MISSING', 'names no product', columns.sku);
    const quantity = readQuantity(cell(row, columns.quantity), isCreditNote);
    if (quantity === undefined) wrong('QUANTITY_INVALID', quantityRule(isCreditNote), columns.quantity);
    const price = readPrice(cell(row, columns.unitPrice), mapping);
    if (price === undefined) wrong('PRICE_INVALID', 'is not a price of at least 0', columns.unitPrice);
    const placedAt = readDate(cell(row, columns.placedAt));
    if (placedAt === undefined)
      wrong('DATE_INVALID', `is not a date as ${mapping.dateFormat}`, columns.placedAt);
    if (problems.length > 0 || quantity === undefined || price === undefined || placedAt === undefined) {
      return { problems };
    }
    const item = {
      productId: null,
      sku: sku || null,
      title: title || sku,
      categories: [],
      tags: [],
      discount: 0,
      tax: 0,
      isGiftCard: false,
    };
    const rounded = `was rounded to the minor unit of ${mapping.currency}`;
    return {
      read: { item: { ...item, quantity, unitPrice: price.amount }, placedAt },
      problems: price.rounded ? [problem(line, 'PRICE_ROUNDED', rounded, columns.unitPrice, 'warning')] : [],
    };
  };
}

/** Positive in the answer; in the file a credit note's pieces are negative, an order's are not, none is zero. */
function readQuantity(text: string, isCreditNote: boolean): number | undefined {
  if (!/^-?\d{1,10}$/.test(text)) return undefined;
  const quantity = isCreditNote ? -Number(text) : Number(text);
  return quantity > 0 && quantity <= MAX_QUANTITY ? quantity : undefined;
}

const quantityRule = (isCreditNote: boolean) =>
  isCreditNote ? 'is not a whole number below 0, as credit notes have' : 'is not a whole number above 0';

/** Surplus decimals are rounded half up for one piece, before the quantity multiplies them. */
function readPrice(text: string, { currency, decimalMark }: LineMapping) {
  const price = roundMajor(decimalMark === ',' ? text.replace(',', '.') : text, currency);
  return price !== undefined && !text.startsWith('-') ? price : undefined;
}

function readCustomer(row: LineRow, mapping: LineMapping): LineCustomer | undefined {
  const { columns, customerIdSuffix = '', customerLastName } = mapping;
  const given = optionalCell(row, columns.customerExternalId);
  const externalId = given?.endsWith(customerIdSuffix)
    ? given.slice(0, given.length - customerIdSuffix.length)
    : given;
  const email = optionalCell(row, columns.email);
  if (externalId === null && email === null) return undefined;
  const lastName =
    optionalCell(row, columns.lastName) ?? customerLastName?.replace('{id}', externalId ?? '') ?? null;
  return { externalId, email, firstName: optionalCell(row, columns.firstName), lastName };
}

function customerKey(customer: LineCustomer | undefined): string {
  return customer === undefined ? '' : JSON.stringify([customer.externalId, customer.email]);
}

/** Once per order, at its first row. */
function countryWarning(row: LineRow, line: number, mapping: LineMapping): LineProblem[] {
  if (readCountry(row, mapping) !== undefined) return [];
  const message = 'is no known country and was left out';
  return [problem(line, 'COUNTRY_UNKNOWN', message, mapping.columns.country, 'warning')];
}

/** null: the row has no country, or one that is declared to be none. undefined: an unknown one. */
function readCountry(row: LineRow, { columns, countryCodes = {} }: LineMapping): string | null | undefined {
  const name = optionalCell(row, columns.country);
  if (name === null) return null;
  if (Object.hasOwn(countryCodes, name)) return countryCodes[name];
  return /^[A-Z]{2}$/.test(name) ? name : undefined;
}

function cell(row: LineRow, column: string): string {
  return (Object.hasOwn(row, column) ? row[column] : undefined)?.trim() ?? '';
}

function optionalCell(row: LineRow, column: string | undefined): string | null {
  return column === undefined ? null : cell(row, column) || null;
}

/** The rows of an order share their date, so the last answer is nearly always the next one. */
function cached(read: (text: string) => Date | undefined): (text: string) => Date | undefined {
  let last: { text: string; answer: Date | undefined } | undefined;
  return (text) => {
    if (last?.text !== text) last = { text, answer: read(text) };
    return last.answer;
  };
}

function problem(
  line: number,
  code: LineProblemCode,
  message: string,
  column?: string,
  level: LineProblem['level'] = 'error',
): LineProblem {
  return { line, ...(column === undefined ? {} : { column }), code, level, message };
}

function incomplete(line: number): LineProblem {
  return problem(line, 'ORDER_INCOMPLETE', 'is good, but another line of its order is not');
}

function onlyProblem(line: number, code: LineProblemCode, message: string, column?: string): Assembled {
  return { documents: [], problems: [problem(line, code, message, column)] };
}

function joined(parts: readonly Assembled[]): Assembled {
  return {
    documents: parts.flatMap((part) => part.documents),
    problems: parts.flatMap((part) => part.problems),
  };
}
