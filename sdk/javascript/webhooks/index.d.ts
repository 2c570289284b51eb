/** Amounts are whole bells, times RFC 3339 UTC. */

/** How many bells went into (+) or came from (−) one lot. */
export interface LotChange {
  kind: "paid" | "bonus";
  amount: number;
  expiresAt?: string;
}

/** An order was paid: its bells were taken, its vouchers used up, its products granted. */
export interface OrderPaid {
  orderId: string;
  currency: string;
  subtotal: number;
  discount: number;
  total: number;
  balance: number;
  lines: {
    productId: string;
    title: string;
    listPrice: number;
    price: number;
    payable: number;
    discount?: number;
    publisher?: string;
  }[];
  vouchers: { voucherId: string; saves: number }[];
  lots: LotChange[];
  granted: string[];
}

/** An order, or some of its lines, was given back. Of `refunded` bells `lapsed` ones came into no lot. */
export interface OrderRefunded {
  refundId: string;
  orderId: string;
  by: "operator" | "customer";
  reason: string;
  currency: string;
  refunded: number;
  lapsed: number;
  /** Of the bells that came, those that paid a debt. */
  debtPaid?: number;
  balance: number;
  lines: { productId: string; amount: number }[];
  vouchers: string[];
  lots: LotChange[];
  revoked: string[];
}

/** Bells were added: by an `operator`, for money (`top-up`), for a gift `code`, or as `origin` says. */
export interface WalletCredited {
  origin: string;
  creditId?: string;
  topupId?: string;
  giftId?: string;
  reason?: string;
  currency: string;
  amount: number;
  debtPaid?: number;
  balance: number;
  kind?: "paid" | "bonus";
  expiresAt?: string;
  lots: LotChange[];
  provider?: string;
  /** Real money in whole minor units: fen, cents, yen. */
  price?: { amount: number; currency: string };
  test?: boolean;
  campaign?: string;
}

/** Bells lapsed and were booked out. */
export interface WalletExpired {
  currency: string;
  amount: number;
  balance: number;
  lots: LotChange[];
}

/** An operator corrected a balance. */
export interface WalletAdjusted {
  adjustmentId: string;
  reason: string;
  currency: string;
  amount: number;
  debtPaid?: number;
  balance: number;
  lots: LotChange[];
}

/** Bells of a credit, or of a top-up whose money went back, were taken back. */
export interface WalletTakenBack {
  creditId?: string;
  topupId?: string;
  reason: string;
  currency: string;
  amount: number;
  /** Bells that had been frozen, and are in no lot. */
  fromFrozen?: number;
  /** Bells that were not there any more, and are owed. */
  debtAdded?: number;
  balance: number;
  lots: LotChange[];
}

/** What is left of a top-up cannot be spent while its payment is disputed. */
export interface WalletFrozen {
  topupId: string;
  reason: string;
  currency: string;
  amount: number;
  balance: number;
  lots: LotChange[];
}

/** Bells of a top-up came back that had been `frozen` or `taken-back`. */
export interface WalletReleased {
  topupId: string;
  origin: string;
  reason: string;
  currency: string;
  amount: number;
  debtPaid?: number;
  balance: number;
  lots: LotChange[];
}

/** A right was given without a payment. */
export interface EntitlementGranted {
  grantId: string;
  productId: string;
  reason: string;
}

/** A right that was given without a payment ended. */
export interface EntitlementRevoked {
  revocationId: string;
  productId: string;
  reason: string;
}

/** A balance fell below the threshold of its currency. */
export interface WalletLow {
  currency: string;
  balance: number;
  threshold: number;
}

/** Bells of a lot will lapse soon unless they are spent. */
export interface WalletExpiring {
  currency: string;
  kind: "paid" | "bonus";
  amount: number;
  expiresAt: string;
}

/** Deliveries to an endpoint ended; it keeps its position. */
/** Real money in minor units. */
export interface RealMoney {
  amount: number;
  currency: string;
}

/** A top-up that failed, expired, is disputed or in review: for what price, what was received, and what differs. */
export interface TopupTold {
  topupId: string;
  packageId: string;
  provider: string;
  price: RealMoney;
  received?: RealMoney;
  disputed?: number;
  differs?: string[];
}

export interface EndpointPaused {
  endpointId: string;
  reason: string;
}

/** A restore lost what stood behind `lastTrue`: drop what you know that is later. What is true comes again. */
export interface FeedReset {
  lastTrue: string;
}

/** An operator tries an endpoint. It is no event of the feed, so it has no `position`. */
export interface EndpointTest {
  endpointId: string;
}

/** One fact. A repeat has the same `id`. */
export interface Told<Type extends string, Data> {
  id: string;
  type: Type;
  time: string;
  /** Where it stands in the one order of all events. */
  position?: string;
  /** Whoever was erased has none, and in its place `erased`, a name that nobody else has. */
  custId?: string;
  erased?: string;
  /** Counts a customer's events that are rows of the journal, without a gap. */
  seq?: number;
  /** What events of this type tell; a thin endpoint's have none. */
  data?: Data;
}

/** Told apart by `type`. A newer shop may send further types: leave those alone. */
export type Event =
  | Told<"order.paid", OrderPaid>
  | Told<"order.refunded", OrderRefunded>
  | Told<"wallet.credited", WalletCredited>
  | Told<"wallet.expired", WalletExpired>
  | Told<"wallet.adjusted", WalletAdjusted>
  | Told<"wallet.taken_back", WalletTakenBack>
  | Told<"wallet.frozen", WalletFrozen>
  | Told<"wallet.released", WalletReleased>
  | Told<"entitlement.granted", EntitlementGranted>
  | Told<"entitlement.revoked", EntitlementRevoked>
  | Told<"wallet.low", WalletLow>
  | Told<"wallet.expiring", WalletExpiring>
  | Told<"endpoint.paused", EndpointPaused>
  | Told<"topup.failed", TopupTold>
  | Told<"topup.expired", TopupTold>
  | Told<"topup.disputed", TopupTold>
  | Told<"topup.review", TopupTold>
  | Told<"feed.reset", FeedReset>
  | Told<"endpoint.test", EndpointTest>;

/**
 * The events of a request that the shop sent: one, or several from an endpoint with batches.
 *
 * `payload` is the body's bytes as they were received, before any parsing; `secret` is the endpoint's `whsec_…`, or its
 * public key `whpk_…`. Throws a Problem `invalid_webhook`, whose message says why, and TypeError for what is neither
 * bytes nor a secret.
 */
export function verifyWebhook(
  payload: Uint8Array | ArrayBuffer,
  headers: Headers | Record<string, string | string[] | undefined>,
  secret: string,
  options?: { now?: () => number },
): Promise<Event[]>;
