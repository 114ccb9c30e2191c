// Work that comes while other work runs is done together: under load a batch shares its statements, its round trips and
// its commit; alone, work begins at once.

/** Batches of one store at a time: while one is decided here, the others are in the database. */
const CONCURRENCY = 2;
const MAX_SIZE = 64;

interface Queue<Item> {
  waiting: Item[];
  /** Names of what running batches work on. */
  busy: Set<string>;
  running: number;
  /** Items of running batches. */
  atWork: number;
  isScheduled: boolean;
}

/**
 * A queue for each store. Of one name at most one batch is at work, in the order in which the items came. `run` settles
 * every item and never rejects.
 */
export function batches<Item>(
  nameOf: (item: Item) => string,
  run: (items: readonly Item[]) => Promise<void>,
): (storeId: string, item: Item) => void {
  const queues = new Map<string, Queue<Item>>();

  /** What can run now, at most its share of all that is there; the rest stays. */
  function take(queue: Queue<Item>): Item[] {
    const share = Math.ceil((queue.waiting.length + queue.atWork) / CONCURRENCY);
    const batch: Item[] = [];
    const rest: Item[] = [];
    for (const item of queue.waiting) {
      const fits = batch.length < Math.min(share, MAX_SIZE) && !queue.busy.has(nameOf(item));
      (fits ? batch : rest).push(item);
    }
    queue.waiting = rest;
    return batch;
  }

  async function runBatch(storeId: string, queue: Queue<Item>, batch: readonly Item[]): Promise<void> {
    const names = batch.map(nameOf);
    queue.running++;
    queue.atWork += batch.length;
    for (const name of names) queue.busy.add(name);
    await run(batch);
    queue.running--;
    queue.atWork -= batch.length;
    for (const name of names) queue.busy.delete(name);
    if (queue.waiting.length > 0) schedule(storeId, queue);
    else if (queue.running === 0 && !queue.isScheduled) queues.delete(storeId);
  }

  /** At the end of this turn of the event loop: requests that arrived together go together. */
  function schedule(storeId: string, queue: Queue<Item>): void {
    if (queue.isScheduled || queue.running >= CONCURRENCY) return;
    queue.isScheduled = true;
    setImmediate(() => {
      queue.isScheduled = false;
      const batch = take(queue);
      if (batch.length === 0) return;
      void runBatch(storeId, queue, batch);
      if (queue.waiting.length > 0) schedule(storeId, queue);
    });
  }

  return (storeId, item) => {
    const queue = queues.get(storeId) ?? {
      waiting: [],
      busy: new Set<string>(),
      running: 0,
      atWork: 0,
      isScheduled: false,
    };
    queues.set(storeId, queue);
    queue.waiting.push(item);
    schedule(storeId, queue);
  };
}
