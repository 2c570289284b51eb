/** Where the bells that an order lacks are bought; from there one comes back to it. */
export const topupAddress = (orderId) => `/topup?order=${encodeURIComponent(orderId)}`;
