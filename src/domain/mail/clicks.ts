// Clicks: which of them a person made. Scanners of mail servers open every link of a mail before anybody reads it.

/** Words in the names of programs that open links and are no browser of a person. */
const PROGRAMS = [
  // Crawlers and previews call themselves so.
  '(?<!cu)bot\\b',
  'crawl',
  'spider',
  'preview',
  'scan(?:ner|ning)?\\b',
  'link ?check',
  'validator',
  'monitor',
  'externalhit',
  'embedly',
  'slurp',
  'whatsapp',
  'headless',
  'phantomjs',
  // Mail security.
  'barracuda',
  'proofpoint',
  'mimecast',
  'safelinks',
  'office existence discovery',
  'symantec',
  'messagelabs',
  'trend ?micro',
  'ironport',
  'fireeye',
  'forti(?:guard|mail|net)',
  'sophos',
  'mcafee',
  'kaspersky',
  'bitdefender',
  'avast',
  'cloudmark',
  'spamassassin',
  'urldefense',
  'virustotal',
  'google-safety',
  'googleimageproxy',
  // Libraries.
  'curl/',
  'wget',
  'python',
  'java/',
  'okhttp',
  'apache-httpclient',
  'go-http-client',
  'libwww',
  'lwp::',
  'node-fetch',
  'axios',
  'undici',
  'ruby',
  'php/',
  'guzzle',
  'winhttp',
  'httpunit',
];
const PROGRAM = new RegExp(PROGRAMS.join('|'), 'i');

/** Nobody reads a mail as fast as that. */
export const TOO_SOON_MS = 3_000;
/** Different links of one mail within this time: no hand is so quick. */
export const BURST_MS = 1_000;
/** Clicks of one mail that are kept; more say nothing new. */
export const MAX_KEPT_CLICKS = 1_000;

/** Somebody or something followed a link. */
export interface NewClick {
  url: string;
  at: Date;
  /** What the program calls itself; undefined where it does not say. */
  userAgent: string | undefined;
}

/** A click that was told apart. */
export interface JudgedClick {
  url: string;
  at: Date;
  machine: boolean;
}

/** The mail it is about. */
export interface ClickedMail {
  sentAt: Date | null;
  /** It is being handed over this moment, so nobody can have read it. */
  isLeaving: boolean;
}

const isProgram = (userAgent: string | undefined): boolean =>
  userAgent === undefined || userAgent.trim() === '' || PROGRAM.test(userAgent);

const isTooSoon = ({ sentAt, isLeaving }: ClickedMail, at: Date): boolean =>
  isLeaving || (sentAt !== null && at.getTime() - sentAt.getTime() < TOO_SOON_MS);

/** Clicks of other links than `url` so shortly before or after that one hand cannot have made both. */
export const burstAround = <Click extends Pick<JudgedClick, 'url' | 'at'>>(
  { url, at }: Pick<NewClick, 'url' | 'at'>,
  others: readonly Click[],
): Click[] =>
  others.filter((other) => other.url !== url && Math.abs(other.at.getTime() - at.getTime()) <= BURST_MS);

/** Whether a program made the click; with `burst`, the clicks of other links around it, which then were one too. */
export const isMachine = (mail: ClickedMail, click: NewClick, burst: readonly unknown[]): boolean =>
  burst.length > 0 || isProgram(click.userAgent) || isTooSoon(mail, click.at);
