import { useEffect, useState } from "../../html.js";

/**
 * The time left on an offer in whole seconds, by the shop's clock: `{left}`, 0 when it is over, null without an offer.
 * @param {{serverNow: () => number}} shop
 * @param {{expiresAt: string} | null} offer
 */
export function useClock(shop, offer) {
  const [now, setNow] = useState(() => shop.serverNow());
  useEffect(() => {
    setNow(shop.serverNow());
    const ticking = setInterval(() => setNow(shop.serverNow()), 500);
    return () => clearInterval(ticking);
  }, [offer?.expiresAt]);
  const left = offer && Math.max(0, Math.floor((Date.parse(offer.expiresAt) - now) / 1000));
  return { left };
}

/** 754 seconds as `12:34`. */
export const minutes = (seconds) => `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
