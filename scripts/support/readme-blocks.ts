// The commands of the README: each block of them, what it shows of their output, and why it is not run, if it is not.

export interface Block {
  /** Line of the first command. */
  line: number;
  title: string;
  commands: string;
  /** Lines of the ```text block that follows: each is printed. */
  shown: string[];
  /** The reason of a comment `<!-- not run: … -->` right above. */
  notRun: string | undefined;
}

const BLOCK =
  /(?:^<!-- not run: (?<reason>.+) -->\n)?^```sh\n(?<commands>[\s\S]*?)^```\n(?:\n```text\n(?<shown>[\s\S]*?)^```\n)?/gm;
const HEADING = /^#{1,3} (.+)$/gm;

const linesOf = (text: string): string[] => text.split('\n').filter((line) => line !== '');

/** Every block of commands, in its order; all of them, so that none is left out in silence. */
export function blocksOf(markdown: string): Block[] {
  const headings = [...markdown.matchAll(HEADING)];
  return [...markdown.matchAll(BLOCK)].map(({ index, groups = {} }) => {
    const { reason, commands = '', shown = '' } = groups;
    return {
      line: markdown.slice(0, markdown.indexOf(commands, index)).split('\n').length,
      title: headings.findLast((heading) => heading.index < index)?.[1] ?? 'README',
      commands,
      shown: linesOf(shown),
      notRun: reason,
    };
  });
}
