/** The steps of the flow as the SDK told them, kept while the document is open. */
const MOST = 60;

let steps = [];
const followers = new Set();
const followed = new WeakSet();

/** Begin to keep the steps of a shop's client; once for each. */
export function follow(shop) {
  if (followed.has(shop)) return;
  followed.add(shop);
  let owner = shop.session?.custId;
  shop.addEventListener("session", ({ detail }) => {
    if (detail?.custId !== owner) clear(); // they are nobody else's
    owner = detail?.custId;
  });
  shop.addEventListener("step", ({ detail }) => change([...steps, detail].slice(-MOST)));
}

export const clear = () => change([]);

/** Call `told` with all steps, now and after each change; answers what ends it. */
export function watch(told) {
  followers.add(told);
  told(steps);
  return () => followers.delete(told);
}

/** The last payment that was signed, or undefined. */
export const lastPayment = () => steps.findLast(({ step }) => step === 4);

function change(next) {
  steps = next;
  for (const told of followers) told(steps);
}
