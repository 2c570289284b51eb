/** What the shop answers is described by its contract; amounts are whole bells, times RFC 3339 UTC. */

export type SignType = "ES256" | "HMAC-SHA256" | "MD5";

export interface Store {
  get(key: string): Promise<any>;
  put(key: string, value: any): Promise<void>;
  delete(key: string): Promise<void>;
  keys(prefix: string): Promise<string[]>;
}

export interface Options {
  /** Where the shop is, e.g. `https://shop.example`. */
  baseUrl: string;
  /** IndexedDB in browsers, one for each shop, and memory elsewhere or where it is refused; unless given. */
  store?: Store;
  fetch?: typeof fetch;
  now?: () => number;
  /** How to load MD5, asked only when a session signs with it; `@noble/hashes` unless given. */
  loadMd5?: () => Promise<{ md5: (bytes: Uint8Array) => Uint8Array }>;
  timeoutMs?: number;
  /** `zh-CN` or `en`: the language of problems' sentences. */
  language?: () => string | undefined;
  pause?: (ms: number) => Promise<void>;
}

export interface Session {
  custId: string;
  sessionId: string;
  signType: SignType;
  expiresAt: string;
}

/** A page may be shorter than asked for; the end of a list is `nextCursor: null` and nothing else. */
export interface Page<T> {
  items: T[];
  nextCursor: string | null;
}

export interface PageQuery {
  limit?: number;
  cursor?: string | null;
}

export interface Product {
  productId: string;
  title: string;
  currency: string;
  price: number;
  listPrice: number;
  publisher: string | null;
  intro: string;
  coverUrl: string | null;
  /** What the catalogue says besides; a name's type is not fixed. */
  attributes: Record<string, unknown>;
}

export interface CartItem {
  productId: string;
  title: string;
  currency: string;
  listPrice: number;
  price: number;
  ticked: boolean;
  owned: boolean;
  available: boolean;
}

export interface Selected {
  count: number;
  total: number;
}

export interface Cart {
  items: CartItem[];
  selected: Selected;
}

export interface Reason {
  code: string;
  en: string;
  zh: string;
  missing?: number;
  required?: number;
  voucherIds?: string[];
  [figure: string]: unknown;
}

export interface OrderVoucher {
  voucherId: string;
  couponId: string;
  name: string;
  kind: string;
  usable: boolean;
  saves: number;
  applied: boolean;
  reason?: Reason;
  expiresAt?: string;
}

export interface OrderLine {
  productId: string;
  title: string;
  intro?: string;
  coverUrl?: string;
  publisher?: string | null;
  listPrice: number;
  price: number;
  discount: number;
  payable: number;
}

export interface Order {
  orderId: string;
  currency: string;
  lines: OrderLine[];
  subtotal: number;
  discount: number;
  total: number;
  vouchers: OrderVoucher[];
  vouchersProven: boolean;
  /** Only where not all vouchers in hand were looked at: how many were, of how many. */
  vouchersConsidered?: number;
  vouchersHeld?: number;
  wallet: { balance: number; sufficient: boolean; shortfall: number };
  orderToken: string;
  issuedAt: string;
  expiresAt: string;
  sign: { signType: SignType; fields: string[] };
}

export interface PaymentResult {
  orderId: string;
  status: "paid";
  currency: string;
  paid: number;
  balance: number;
  paidAt: string;
  entitlements: { productId: string; grantedAt: string }[];
  /** It had been paid before: nothing was taken again. */
  replayed: boolean;
}

/** Shown to the customer. A customer's own refund names one too. */
export type RefundReason =
  | "customer_request"
  | "duplicate"
  | "defective"
  | "not_as_described"
  | "fraud"
  | "goodwill"
  | "other";

/** Why something cannot be refunded. */
export type RefundObstacle = "not_offered" | "too_late" | "opened" | "voucher_order" | "already_refunded";

export interface RefundedLine {
  productId: string;
  amount: number;
}

/** How much comes back into which `lot`: bells of one kind, and when they lapse. */
export interface RefundLot {
  lot: string;
  kind: "paid" | "bonus";
  amount: number;
  expiresAt: string | null;
}

/** What a refund would bring now, or the reasons against it: by productId, or for the whole `order`. */
export interface Refundable {
  orderId: string;
  refundable: boolean;
  amount: number;
  lines: RefundedLine[];
  /** Where the bells would go; what of `amount` is in none of them would lapse at once. */
  lots: RefundLot[];
  /** The vouchers that would be unused again. */
  vouchers: string[];
  reasons: Record<string, RefundObstacle>;
}

/** A booked refund, and the balance right after it. What of `refunded` is in none of the `lots` lapsed at once. */
export interface Refunded {
  refundId: string;
  orderId: string;
  currency: string;
  refunded: number;
  lines: RefundedLine[];
  lots: RefundLot[];
  vouchers: string[];
  balance: number;
  refundedAt: string;
}

/** One refund of an order. Operators' and customers' ids are apart: two refunds of an order may have the same. */
export interface OrderRefund {
  refundId: string;
  by: "operator" | "customer";
  refunded: number;
  /** How much of `refunded` did not come back, as it had lapsed. */
  lapsed: number;
  lines: RefundedLine[];
  reason: RefundReason;
  refundedAt: string;
}

/** An order as it was paid; `balance` is the wallet's right after the payment. */
export interface PaidOrder {
  orderId: string;
  status: "paid" | "partly_refunded" | "refunded";
  currency: string;
  subtotal: number;
  discount: number;
  total: number;
  balance: number;
  paidAt: string;
  lines: OrderLine[];
  vouchers: { voucherId: string; saves: number }[];
  refunds: OrderRefund[];
}

/** `GET /v1/access?productId=…&token=…` lets in until `expiresAt`, and no longer than the right lasts. */
export interface Link {
  token: string;
  expiresAt: string;
}

export type TopupStatus =
  | "pending"
  | "paid"
  | "failed"
  | "expired"
  | "review"
  | "partly_refunded"
  | "refunded"
  | "disputed"
  | "lost";

export type Channel = "web" | "app" | "jsapi" | "store";

/** So many minor units of a real currency: 600 CNY is 6.00 yuan. */
export interface Money {
  amount: number;
  currency: string;
}

/** What can be bought: at a `price`, or from `least` to `most` bells at a price `perBell`, rounded up in all. */
export interface TopupPackage {
  packageId: string;
  name: string;
  currency: string;
  paid: number;
  bonus: number;
  bonusExpiresAfterDays?: number;
  price?: Money;
  perBell?: Money & { bells: number };
  least?: number;
  most?: number;
  providers: { provider: string; kind: string; channels: Channel[] }[];
}

/** So many bells for so much money, as a customer is shown them; of a free amount `paid` are those asked for. */
export interface TopupTerms {
  currency: string;
  paid: number;
  bonus: number;
  bonusExpiresAfterDays?: number | null;
  price: Money;
}

export interface TopupRequest {
  packageId: string;
  provider: string;
  channel: Channel;
  /** The bells of a package with a free amount. */
  amount?: number;
  /** What the customer was shown: where the shop sells it otherwise by now, the Problem `terms_changed` has its `terms`. */
  terms?: TopupTerms;
  /** Who pays as the provider knows them, where it asks for that. */
  payerId?: string;
  /** Where the provider sends the payer afterwards: a path of the shop, or of an origin that the shop allows; `{topupId}` becomes the id. */
  returnUrl?: string;
}

/** What was agreed, and what has come of it; `refunded`, `disputed` and `lost` are minor units of the money. */
export interface Topup {
  topupId: string;
  status: TopupStatus;
  packageId: string;
  name: string;
  provider: string;
  channel: Channel;
  currency: string;
  paid: number;
  bonus: number;
  price: Money;
  received: Money | null;
  refunded: number;
  disputed: number;
  lost: number;
  /** What the payer does next: opens `url`, scans it, or has `params` handed to the provider's own code. */
  action: { kind: "redirect" | "qr" | "app" | "store" | "none"; url?: string; params?: Record<string, string> };
  /** In `review`: what the customer tells the shop. */
  supportReference: string | null;
  createdAt: string;
  expiresAt: string;
  paidAt: string | null;
  creditedAt: string | null;
  /**
   * Of a single top-up, null while it was not credited: how many of its bells paid what was owed, were taken back with
   * their money (`owed` of them had been spent, and became a debt), are frozen.
   */
  bells?: { debtPaid: number; taken: number; owed: number; frozen: number } | null;
}

/** The bells of a gift code, and the balance right after them; `debtPaid` of them, if any, paid what was owed. */
export interface Redeemed {
  campaign: string;
  currency: string;
  amount: number;
  expiresAt: string | null;
  balance: number;
  redeemedAt: string;
  debtPaid?: number;
}

/** A customer is in debt when a top-up was taken back after its bells were spent: what comes in pays it first. */
export interface WalletInDebt extends Problem {
  code: "wallet_in_debt";
  members: { debt: number; [member: string]: any };
}

/** An order of the system before. `currency` is a virtual one, or one of ISO 4217 in its minor units. */
export interface PastOrder {
  orderId: string;
  status: "paid" | "partly_refunded" | "refunded";
  currency: string;
  total: number;
  paidAt: string;
  lines: { productId: string | null; title: string; price: number; payable: number }[];
}

/** Kept for its customer alone: another one who signs in at the same browser is not given it. */
export interface KeptOrder {
  order: Order;
  custId: string;
  sessionId: string;
  state: "offered" | "paying" | "paid";
  result?: PaymentResult;
}

export interface Step {
  step: 1 | 2 | 3 | 4 | 5 | 6;
  name: "tick" | "checkout" | "keep" | "sign" | "pay" | "entitlements";
  request?: { method: string; path: string; headers: Record<string, string>; body?: unknown };
  signedString?: string;
  sign?: string;
  answer?: { status: number; body: unknown };
  problem?: Problem;
}

/** A refusal, told apart by `code`: the contract's, or connection_lost, payment_unfinished, order_altered,
 * order_unknown, signed_out. */
export class Problem extends Error {
  constructor(code: string, members?: Record<string, unknown>);
  code: string;
  status: number;
  members: Record<string, any>;
  retryAfter?: number;
}

export class Lingdang extends EventTarget {
  constructor(options: Options);
  readonly session: Session | null;
  /** False once the browser refused to keep something: a session and an unfinished payment then end with the page. */
  readonly durable: boolean;
  serverNow(): number;
  restore(): Promise<Session | null>;
  login(
    proof: ({ custId: string; password: string } | { platformToken: string }) & { signType?: SignType },
  ): Promise<Session>;
  logout(): Promise<void>;
  request<T = any>(method: string, path: string, body?: unknown): Promise<T>;
  products(query?: PageQuery & { query?: string }): Promise<Page<Product>>;
  product(productId: string): Promise<Product>;
  cart(): Promise<Cart>;
  tick(productId: string, ticked?: boolean): Promise<{ item: CartItem; selected: Selected }>;
  tickAll(ticked: boolean): Promise<Cart>;
  removeFromCart(productId: string): Promise<void>;
  checkout(productIds: string[], choice?: { voucherIds?: string[]; voucherCode?: string }): Promise<Order>;
  keptOrder(orderId: string): Promise<KeptOrder | null>;
  keptOrders(): Promise<KeptOrder[]>;
  forgetOrder(orderId: string): Promise<void>;
  pay(orderId: string): Promise<PaymentResult>;
  resumePayments(): Promise<({ orderId: string; result: PaymentResult } | { orderId: string; problem: Problem })[]>;
  orders(query?: PageQuery): Promise<Page<PaidOrder>>;
  order(orderId: string): Promise<PaidOrder>;
  /** What was bought in the system before, where the platform brought it in. */
  pastOrders(query?: PageQuery): Promise<Page<PastOrder>>;
  wallet(): Promise<any>;
  walletEntries(query?: PageQuery): Promise<Page<any>>;
  library(query?: PageQuery): Promise<Page<{ productId: string; orderId?: string; grantId?: string; grantedAt: string }>>;
  /** The right with its receipt, which opens the product: its customer can no longer refund it by themselves. */
  entitlement(productId: string): Promise<{ productId: string; orderId?: string; grantId?: string; grantedAt: string; receipt: string }>;
  /** What refunding an order, or some of its products, would bring now. Writes nothing. */
  refundable(orderId: string, productIds?: string[]): Promise<Refundable>;
  /** Refund an order, or some of its products, where the shop allows it. The same `refundId` again changes nothing. */
  refund(
    orderId: string,
    refundId: string,
    asked?: { reason?: RefundReason; productIds?: string[] },
  ): Promise<Refunded>;
  /** Lets whoever has the token read a product of the customer's, for 1 to 86,400 seconds: for downloads and pictures. */
  link(productId: string, seconds: number): Promise<Link>;
  topupPackages(): Promise<{ items: TopupPackage[] }>;
  /** Begin a top-up. The same `key` again begins nothing new: keep it until there is an answer. */
  topUp(asked: TopupRequest, key: string): Promise<Topup>;
  topups(query?: PageQuery): Promise<Page<Topup>>;
  /** One top-up: ask again, with pauses, until its `status` is no longer `pending`. */
  topup(topupId: string): Promise<Topup>;
  /** The bells of a gift code. The same code again is answered as it was. */
  redeem(code: string): Promise<Redeemed>;
  vouchers(query?: PageQuery): Promise<Page<any>>;
  claim(code: string): Promise<any>;
  addEventListener(type: "step", listener: (event: CustomEvent<Step>) => void): void;
  addEventListener(type: "session", listener: (event: CustomEvent<Session | null>) => void): void;
  addEventListener(type: "store", listener: (event: CustomEvent<{ durable: false }>) => void): void;
  addEventListener(type: string, listener: EventListenerOrEventListenerObject | null, options?: any): void;
}

export const SIGNED_FIELDS: readonly string[];
export function stringToSign(fields: {
  custId: string;
  nonce: string;
  orderToken: string;
  productIds: string[];
  signType: string;
  timestamp: number;
}): string;
export function sign(
  text: string,
  session: { signType: string; signKey?: string; privateKey?: CryptoKey },
  loadMd5?: Options["loadMd5"],
): Promise<string>;
export function browserStore(name?: string): Store;
export function memoryStore(): Store;
