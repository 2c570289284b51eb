/** Where a book is read. The reader warns whoever would lose a refund by opening it, and asks that of its order. */

/** @param {string} productId @param {string} [orderId] the order that gave the right */
export const readAddress = (productId, orderId) =>
  `/read/${encodeURIComponent(productId)}${orderId ? `?order=${encodeURIComponent(orderId)}` : ""}`;
