// O5: an order once more, as the payload for a cart of the storefront. Prices are the storefront's business.
import type { OrderItem } from './orders.ts';

export interface CartLine {
  productId: string | null;
  sku: string | null;
  title: string;
  quantity: number;
}

export interface SkippedItem extends CartLine {
  /** `NO_PRODUCT_ID`: the item has neither productId nor sku. `PRODUCT_UNKNOWN`: the storefront no longer has it. */
  reason: 'NO_PRODUCT_ID' | 'PRODUCT_UNKNOWN';
}

/**
 * O5: one line per product (same productId and sku; quantities added), in the order of the items. With
 * `knownProducts` only items whose productId, or else sku, is among them; without it every item with an id is known.
 */
export function reorderCart(
  items: readonly Pick<OrderItem, 'productId' | 'sku' | 'title' | 'quantity'>[],
  knownProducts?: ReadonlySet<string>,
): { lines: CartLine[]; skipped: SkippedItem[] } {
  const lines = new Map<string, CartLine>();
  const skipped: SkippedItem[] = [];
  for (const { productId, sku, title, quantity } of items) {
    const reason = whySkipped(productId ?? sku, knownProducts);
    if (reason !== undefined) {
      skipped.push({ productId, sku, title, quantity, reason });
      continue;
    }
    const key = JSON.stringify([productId, sku]);
    lines.set(key, { productId, sku, title, quantity: quantity + (lines.get(key)?.quantity ?? 0) });
  }
  return { lines: [...lines.values()], skipped };
}

function whySkipped(
  product: string | null,
  knownProducts: ReadonlySet<string> | undefined,
): SkippedItem['reason'] | undefined {
  if (product === null) return 'NO_PRODUCT_ID';
  return knownProducts?.has(product) === false ? 'PRODUCT_UNKNOWN' : undefined;
}
