/** Pages of the library that are looked through for a book whose order is not named. */
const MOST_PAGES = 10;

/**
 * The refund that opening a book would end, or null: `{orderId, whole}`. `whole`: it is its order's, in which vouchers
 * were used. One that would bring nothing is none.
 */
export async function endedByOpening(shop, productId, named) {
  const orderId = named ?? (await orderOf(shop, productId));
  if (!orderId) return null;
  const alone = await told(shop, orderId, [productId]);
  if (alone?.reasons.order === "voucher_order" && !alone.reasons[productId]) {
    return brings(await told(shop, orderId)) ? { orderId, whole: true } : null;
  }
  return brings(alone) ? { orderId, whole: false } : null;
}

const brings = (told) => Boolean(told?.refundable) && (told.amount > 0 || told.vouchers.length > 0);

/** What the shop says of a refund; null where there is no such order, or none with this book. */
const told = (shop, orderId, productIds) =>
  shop.refundable(orderId, productIds).catch((problem) => {
    if (!["not_found", "invalid_request"].includes(problem.code)) throw problem;
    return null;
  });

async function orderOf(shop, productId) {
  let cursor;
  for (let count = 0; count < MOST_PAGES; count += 1) {
    const page = await shop.library({ limit: 200, cursor });
    const right = page.items.find((item) => item.productId === productId);
    if (right || !page.nextCursor) return right?.orderId;
    cursor = page.nextCursor;
  }
  return undefined;
}
