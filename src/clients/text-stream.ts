// Bytes of an uploaded file to text, block by block: gzip, byte order marks, UTF-8, UTF-16 and Windows-1252.
// Nothing here holds more than one block; a reader that stops early closes the source.
import { isAscii } from 'node:buffer';
import { pipeline } from 'node:stream';
import { createGunzip } from 'node:zlib';

/** The file as a whole cannot be read: EMPTY_FILE, NOT_TEXT, BROKEN_GZIP and, from the CSV header, DUPLICATE_HEADER. */
export class FileRefused extends Error {
  readonly code: string;
  readonly line: number | undefined;

  constructor(code: string, message: string, line?: number) {
    super(message);
    this.name = 'FileRefused';
    this.code = code;
    this.line = line;
  }
}

export interface TextStream {
  /** `ascii` until the first byte ≥ 0x80 decides between `utf-8` and `windows-1252`; read it again at the end. */
  readonly encoding: string;
  readonly chunks: AsyncGenerator<string, void, undefined>;
  /** Gives the source up, whether or not `chunks` has been started. */
  close(): Promise<void>;
}

interface Decoder {
  readonly encoding: string;
  decode(block: Buffer): string;
  end(): string;
}

// The first block decides the encoding. 16 kB to 1 MiB were equally fast.
const BLOCK_BYTES = 64 * 1024;

/** Decodes the bytes; U+FFFD stands where a byte was invalid. Throws `FileRefused`, also in mid-stream (BROKEN_GZIP). */
export async function openText(source: AsyncIterable<Uint8Array>): Promise<TextStream> {
  const blocks = plainBlocks(source);
  const first = await blocks.next();
  if (first.done) throw new FileRefused('EMPTY_FILE', 'The file is empty.');
  try {
    const decoder = decoderFor(first.value);
    return {
      get encoding() {
        return decoder.encoding;
      },
      chunks: decoded(first.value, blocks, decoder),
      close: async () => void (await blocks.return()),
    };
  } catch (error) {
    await blocks.return();
    throw error;
  }
}

async function* decoded(first: Buffer, blocks: AsyncGenerator<Buffer>, decoder: Decoder) {
  try {
    yield decoder.decode(first);
    for await (const block of blocks) yield decoder.decode(block);
    yield decoder.end();
  } finally {
    await blocks.return(undefined);
  }
}

async function* plainBlocks(source: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer, void, undefined> {
  const blocks = inBlocks(source);
  try {
    const first = await blocks.next();
    if (first.done) return;
    const whole = startingWith(first.value, blocks);
    if (first.value[0] === 0x1f && first.value[1] === 0x8b) yield* inBlocks(unzipped(whole));
    else yield* whole;
  } catch (error) {
    throw isZlibError(error)
      ? new FileRefused('BROKEN_GZIP', 'The gzip file is damaged or was cut off.')
      : error;
  } finally {
    await blocks.return();
  }
}

async function* startingWith(first: Buffer, rest: AsyncIterable<Buffer>) {
  yield first;
  yield* rest;
}

function unzipped(source: AsyncIterable<Buffer>): AsyncIterable<Buffer> {
  const gunzip = createGunzip();
  // The callback only keeps the error from being unhandled: whoever iterates `gunzip` meets it there.
  pipeline(source, gunzip, () => {});
  return gunzip;
}

function isZlibError(error: unknown): boolean {
  return (
    error instanceof Error && 'code' in error && typeof error.code === 'string' && error.code.startsWith('Z_')
  );
}

// Blocks of equal size, so that nothing downstream can depend on how the network cut the file.
async function* inBlocks(source: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer, void, undefined> {
  let held: Uint8Array[] = [];
  let heldBytes = 0;
  for await (const bytes of source) {
    held.push(bytes);
    heldBytes += bytes.length;
    if (heldBytes < BLOCK_BYTES) continue;
    const all = Buffer.concat(held);
    let from = 0;
    for (; from + BLOCK_BYTES <= all.length; from += BLOCK_BYTES)
      yield all.subarray(from, from + BLOCK_BYTES);
    held = [all.subarray(from)];
    heldBytes = all.length - from;
  }
  if (heldBytes > 0) yield Buffer.concat(held);
}

function decoderFor(probe: Buffer): Decoder {
  refuseKnownBinary(probe);
  const marked = encodingOfMark(probe) ?? utf16Of(probe);
  if (marked !== undefined) return standardDecoder(marked);
  if (probe.includes(0)) throw new FileRefused('NOT_TEXT', 'The file is not text; send CSV or NDJSON.');
  return guessingDecoder();
}

const BINARY_FILES: [string, string][] = [
  ['504b0304', 'The file is a workbook or a zip archive; save it as CSV (gzip is understood, zip is not).'],
  ['d0cf11e0', 'The file is an Excel workbook; save it as CSV.'],
  ['25504446', 'The file is a PDF; send CSV or NDJSON.'],
];

function refuseKnownBinary(probe: Buffer): void {
  const magic = probe.toString('hex', 0, 4);
  const found = BINARY_FILES.find(([bytes]) => bytes === magic);
  if (found) throw new FileRefused('NOT_TEXT', found[1]);
}

function encodingOfMark(probe: Buffer): string | undefined {
  if (probe[0] === 0xef && probe[1] === 0xbb && probe[2] === 0xbf) return 'utf-8';
  if (probe[0] === 0xff && probe[1] === 0xfe) return 'utf-16le';
  if (probe[0] === 0xfe && probe[1] === 0xff) return 'utf-16be';
  return undefined;
}

// Western text in UTF-16 is every other byte zero.
function utf16Of(probe: Buffer): string | undefined {
  let even = 0;
  let odd = 0;
  for (let index = probe.indexOf(0); index !== -1; index = probe.indexOf(0, index + 1)) {
    if (index % 2 === 0) even += 1;
    else odd += 1;
  }
  if (odd > probe.length / 10 && odd > even * 10) return 'utf-16le';
  if (even > probe.length / 10 && even > odd * 10) return 'utf-16be';
  return undefined;
}

function standardDecoder(encoding: string, options?: { ignoreBOM: boolean }): Decoder {
  const decoder = new TextDecoder(encoding, options);
  return {
    encoding,
    decode: (block) => decoder.decode(block, { stream: true }),
    end: () => decoder.decode(),
  };
}

function guessingDecoder(): Decoder {
  let chosen: Decoder | undefined;
  return {
    get encoding() {
      return chosen?.encoding ?? 'ascii';
    },
    decode(block) {
      if (chosen === undefined && isAscii(block)) return block.toString('latin1');
      // The decoder does not see the start of the file, so it must not take a mark at the start of a block for one.
      chosen ??= looksUtf8(block) ? standardDecoder('utf-8', { ignoreBOM: true }) : WINDOWS_1252;
      return chosen.decode(block);
    },
    end: () => chosen?.end() ?? '',
  };
}

// One damaged byte in a UTF-8 file must not turn every other name into mojibake: the majority decides. Latin-1
// text is hardly ever valid UTF-8 by accident. A character cut by the end of the block is neither.
function looksUtf8(block: Buffer): boolean {
  const text = new TextDecoder().decode(block, { stream: true });
  const invalid = text.match(/\ufffd/g)?.length ?? 0;
  const valid = text.match(/[\u0080-\ufffc\ufffe\uffff]/g)?.length ?? 0;
  return valid >= invalid;
}

// 0x80–0x9f of Windows-1252. By hand: Node 20 since 20.18.3 decodes the label as Latin-1 (nodejs/node#56542).
const WINDOWS_1252_HIGH = '€\x81‚ƒ„…†‡ˆ‰Š‹Œ\x8dŽ\x8f\x90‘’“”•–—˜™š›œ\x9džŸ';

const WINDOWS_1252: Decoder = {
  encoding: 'windows-1252',
  decode: (block) => block.toString('latin1').replace(/[\x80-\x9f]/g, highCharacter),
  end: () => '',
};

function highCharacter(character: string): string {
  return WINDOWS_1252_HIGH.charAt(character.charCodeAt(0) - 0x80);
}
