/** Where a product is shown by itself. */

/** @param {string} productId */
export const productAddress = (productId) => `/products/${encodeURIComponent(productId)}`;
