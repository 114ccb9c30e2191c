// A wire between the service and PostgreSQL that can be cut at the worst moment: when the server has done what it was asked
// for, and has said so.
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import type { Test } from 'tap';

export interface DatabaseProxy {
  /** URL of the database by way of the proxy. */
  readonly url: string;
  /** How many answers were lost. */
  readonly lost: number;
  /** The next message with these words reaches the server; its answer is swallowed, and the connection is cut. */
  loseAnswerTo(words: RegExp): void;
}

export async function startDatabaseProxy(t: Test, databaseUrl: string): Promise<DatabaseProxy> {
  const { hostname, port } = new URL(databaseUrl);
  const sockets = new Set<Socket>();
  let wanted: RegExp | undefined;
  let lost = 0;

  const proxy = createServer((client) => {
    const server = connect(Number(port), hostname);
    const cut = () => {
      client.destroy();
      server.destroy();
    };
    let answer: 'told' | 'swallowed' = 'told';
    for (const socket of [client, server]) {
      sockets.add(socket);
      socket.on('error', cut).on('close', cut);
    }
    client.on('data', (bytes) => {
      if (wanted?.test(bytes.toString('latin1'))) {
        wanted = undefined;
        answer = 'swallowed';
      }
      server.write(bytes);
    });
    server.on('data', (bytes) => {
      if (answer === 'told') return void client.write(bytes);
      lost++;
      cut();
    });
  });
  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  t.teardown(() => {
    proxy.close();
    for (const socket of sockets) socket.destroy();
  });
  const url = new URL(databaseUrl);
  url.port = String((proxy.address() as AddressInfo).port);
  return {
    url: url.href,
    get lost() {
      return lost;
    },
    loseAnswerTo: (words) => {
      wanted = words;
    },
  };
}
