// The part of mailauth that tests use; the package brings no types.
declare module 'mailauth/lib/dkim/verify.js' {
  export interface DkimResult {
    signingDomain: string;
    selector: string;
    signingHeaders: { keys: string; headers: string[] };
    status: { result: string; comment?: string; aligned?: string };
  }
  export function dkimVerify(
    raw: Buffer,
    options: { resolver: (name: string, type: string) => Promise<string[][]> },
  ): Promise<{ results: DkimResult[] }>;
}
