// Sales agents: what a valid one is, and what keeps one from being deleted.
import { normaliseEmail } from './emails.ts';
import { type FieldProblem, isBlank, readText } from './fields.ts';

/** Fields as given: absent keeps, a null email clears. */
export interface AgentInput {
  name?: string;
  email?: string | null;
  active?: boolean;
}
export type AgentFields = { name?: string; email?: string | null; active?: boolean };
export type AgentRefusal = { refused: 'AGENT_INVALID'; errors: FieldProblem[] };

/** Reads the fields of a new agent or of a patch. The email keeps its spelling: it is to write to, not to log in with. */
export function normaliseAgent(input: AgentInput): { fields: AgentFields } | AgentRefusal {
  const problems: FieldProblem[] = [];
  const fields: AgentFields = {};
  if (input.active !== undefined) fields.active = input.active;
  if (input.name !== undefined) {
    const name = readText(input.name);
    if (name === undefined) {
      problems.push({
        pointer: '/name',
        code: 'TEXT_INVALID',
        message: 'A name has 1 to 255 visible characters.',
      });
    } else fields.name = name;
  }
  if (input.email !== undefined) fields.email = readEmail(input.email, problems);
  return problems.length > 0 ? { refused: 'AGENT_INVALID', errors: problems } : { fields };
}

function readEmail(email: string | null, problems: FieldProblem[]): string | null {
  if (email === null || isBlank(email)) return null;
  if (normaliseEmail(email) === undefined) {
    const message = 'Not an email address that mail can be sent to.';
    problems.push({ pointer: '/email', code: 'EMAIL_INVALID', message });
  }
  return email.trim().normalize('NFC');
}

/** Customers and tasks are nobody's left-overs: they are given to another agent first. undefined = may go. */
export function checkAgentDelete(usedBy: {
  customers: number;
  tasks: number;
}): { refused: 'AGENT_IN_USE'; usedBy: { customers: number; tasks: number } } | undefined {
  return usedBy.customers + usedBy.tasks > 0 ? { refused: 'AGENT_IN_USE', usedBy } : undefined;
}
