// Where the test cluster lives, for those who start, use and stop it.
import { fileURLToPath } from 'node:url';

/** TEST_CLUSTER_DIR lets two checkouts or two runs on one machine have a cluster each. */
export const CLUSTER_DIR =
  process.env.TEST_CLUSTER_DIR ?? fileURLToPath(new URL('../../../.data/test', import.meta.url));
export const CLUSTER_FILE = 'cluster.json';
export const TEMPLATE = 'clientele_template';
