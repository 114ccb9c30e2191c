// Direct mail: written by staff to one customer. And what staff may do to a mail that waits, failed or is in doubt.
import type { CampaignStatus } from './campaigns.ts';
import type { MessageClass, MessageStatus } from './messages.ts';

/** What a direct mail says: a template, or a subject with plain text. */
export interface DirectMail {
  template?: string;
  subject?: string;
  text?: string;
  class: MessageClass;
  topic?: string;
}

export type DirectRefusal = {
  refused: 'MESSAGE_INVALID';
  errors: { pointer: string; code: string; message: string }[];
};

/** A template or own words, not both; marketing says to which topic it belongs. */
export function checkDirectMail(mail: DirectMail): DirectRefusal | undefined {
  const errors: DirectRefusal['errors'] = [];
  const own = mail.subject !== undefined && mail.text !== undefined;
  if (mail.template === undefined && !own)
    errors.push({
      pointer: mail.subject === undefined ? '/subject' : '/text',
      code: 'CONTENT_MISSING',
      message: 'Give `template`, or `subject` and `text`.',
    });
  if (mail.template !== undefined && (mail.subject !== undefined || mail.text !== undefined))
    errors.push({
      pointer: '/template',
      code: 'CONTENT_TWICE',
      message: 'Give a template or a text, not both.',
    });
  if (mail.class === 'marketing' && mail.topic === undefined)
    errors.push({ pointer: '/topic', code: 'TOPIC_MISSING', message: 'Marketing belongs to a topic.' });
  if (mail.class === 'transactional' && mail.topic !== undefined)
    errors.push({ pointer: '/topic', code: 'TOPIC_UNUSED', message: 'Only marketing belongs to a topic.' });
  return errors.length > 0 ? { refused: 'MESSAGE_INVALID', errors } : undefined;
}

/** The paragraphs of a plain text: an empty line begins one, whatever the line ends are. */
export const paragraphsOf = (text: string): string[] =>
  text
    .replace(/\r\n?/g, '\n')
    .split(/\n(?:[^\S\n]*\n)+/)
    .map((paragraph) => paragraph.trim())
    .filter((paragraph) => paragraph !== '');

export const MESSAGE_COMMANDS = ['cancel', 'retry', 'mark_sent', 'mark_failed'] as const;
export type MessageCommand = (typeof MESSAGE_COMMANDS)[number];

/** M4: final states never change, except that what is unknown becomes known; a failed mail may be tried anew. */
const COMMANDS: Readonly<Record<MessageCommand, { from: readonly MessageStatus[]; to: MessageStatus }>> = {
  cancel: { from: ['pending', 'ready', 'deferred'], to: 'cancelled' },
  retry: { from: ['deferred', 'failed', 'unknown'], to: 'ready' },
  mark_sent: { from: ['unknown'], to: 'sent' },
  mark_failed: { from: ['unknown'], to: 'failed' },
};

export type CommandRefusal =
  | {
      refused: 'MESSAGE_STATE_CONFLICT';
      messageStatus: MessageStatus;
      possibleFrom: readonly MessageStatus[];
    }
  | { refused: 'CAMPAIGN_STATE_CONFLICT'; campaignStatus: CampaignStatus; wayOut: string };

/** Campaigns of which mails still go out, now or when they are resumed. */
const SENDING_CAMPAIGNS: readonly CampaignStatus[] = ['running', 'paused'];

/** Where a command leads, or from which states it would be possible; `campaign` is how that of the mail stands, if it has one. */
export function planMessageCommand(
  command: MessageCommand,
  { status, campaign }: { status: MessageStatus; campaign: CampaignStatus | undefined },
): { status: MessageStatus } | CommandRefusal {
  const { from, to } = COMMANDS[command];
  if (!from.includes(status))
    return { refused: 'MESSAGE_STATE_CONFLICT', messageStatus: status, possibleFrom: from };
  if (command !== 'retry' || campaign === undefined || SENDING_CAMPAIGNS.includes(campaign))
    return { status: to };
  const wayOut = 'Its campaign sends no more: write to the customer directly.';
  return { refused: 'CAMPAIGN_STATE_CONFLICT', campaignStatus: campaign, wayOut };
}
