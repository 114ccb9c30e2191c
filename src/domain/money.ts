// Money: integer minor units with an ISO 4217 currency. All arithmetic is exact; what would leave 2^53 is refused.
import assert from 'node:assert';

export interface AmountRefusal {
  refused: 'AMOUNT_TOO_LARGE';
}

// ISO 4217 list one, by exponent, with the codes withdrawn since 2020 that order histories still carry (ANG, BGN, CUC,
// HRK, SLL, ZWL). Not taken from Intl: it gives IQD, LAK, HUF and 14 others 0 digits where ISO says 3 or 2, and
// Intl.supportedValuesOf differs between Node versions. Metals, funds of the IMF and test codes are left out.
const CODES_BY_EXPONENT: readonly (readonly [exponent: number, codes: string])[] = [
  [0, 'BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF'],
  [
    2,
    `AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF CHE CHF
     CHW CNY COP COU CRC CUC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HRK
     HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR
     MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP
     SLE SLL SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD USN UYU UZS VED VES WST XCD XCG YER
     ZAR ZMW ZWG ZWL`,
  ],
  [3, 'BHD IQD JOD KWD LYD OMR TND'],
  [4, 'CLF UYW'],
];

const EXPONENTS = new Map(
  CODES_BY_EXPONENT.flatMap(([exponent, codes]) =>
    codes.split(/\s+/).map((code) => [code, exponent] as const),
  ),
);

/** Every accepted currency, in alphabetical order. */
export const CURRENCIES: readonly string[] = [...EXPONENTS.keys()].sort();

/** Digits of the minor unit: 2 for EUR, 0 for JPY, 3 for KWD; undefined for what is not a currency. */
export function currencyExponent(currency: string): number | undefined {
  return EXPONENTS.get(currency);
}

/** Σ of amounts in minor units. */
export function sumAmounts(amounts: Iterable<number>): number | AmountRefusal {
  let sum = 0;
  for (const amount of amounts) {
    sum += amount;
    // A rounded sum cannot slip through: what is beyond 2^53 - 1 rounds to 2^53 or more.
    if (!Number.isSafeInteger(sum)) return { refused: 'AMOUNT_TOO_LARGE' };
  }
  return sum;
}

/** `unitPrice` in minor units times a whole quantity. */
export function multiplyAmount(quantity: number, unitPrice: number): number | AmountRefusal {
  const product = quantity * unitPrice;
  return Number.isSafeInteger(product) ? product : { refused: 'AMOUNT_TOO_LARGE' };
}

/** `'12.50', 'EUR'` → 1250. Undefined for other spellings, unknown currencies and decimals that the currency has not. */
export function parseMajor(text: string, currency: string): number | undefined {
  const read = roundMajor(text, currency);
  return read === undefined || read.rounded ? undefined : read.amount;
}

/** As `parseMajor`, but surplus decimals are rounded half away from zero: `'0.005', 'EUR'` → 1, rounded. */
export function roundMajor(text: string, currency: string): { amount: number; rounded: boolean } | undefined {
  const exponent = currencyExponent(currency);
  const match = /^(-?)(\d{1,16})(?:\.(\d{1,32}))?$/.exec(text);
  if (exponent === undefined || match === null) return undefined;
  const [, sign, whole = '', fraction = ''] = match;
  const kept = Number(whole + fraction.slice(0, exponent).padEnd(exponent, '0'));
  const surplus = fraction.slice(exponent);
  const size = kept + (surplus >= '5' ? 1 : 0);
  if (!Number.isSafeInteger(size)) return undefined;
  return { amount: sign === '-' && size !== 0 ? -size : size, rounded: /[1-9]/.test(surplus) };
}

/** 1250, `'EUR'` → `'12.50'`: the inverse of `parseMajor`. The currency must be known. */
export function formatMajor(amount: number, currency: string): string {
  const exponent = currencyExponent(currency);
  assert(exponent !== undefined && Number.isSafeInteger(amount));
  const digits = String(Math.abs(amount)).padStart(exponent + 1, '0');
  const sign = amount < 0 ? '-' : '';
  if (exponent === 0) return sign + digits;
  return `${sign}${digits.slice(0, -exponent)}.${digits.slice(-exponent)}`;
}
