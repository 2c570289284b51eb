/**
 * What a client keeps: values by key. CryptoKeys are among them, so the browser's store is IndexedDB.
 * @typedef {{get: (key: string) => Promise<any>, put: (key: string, value: any) => Promise<void>,
 *   delete: (key: string) => Promise<void>, keys: (prefix: string) => Promise<string[]>}} Store
 */

/** Keeps in memory, until the process ends. @returns {Store} */
export function memoryStore() {
  const values = new Map();
  return {
    get: async (key) => structuredClone(values.get(key)),
    put: async (key, value) => void values.set(key, structuredClone(value)),
    delete: async (key) => void values.delete(key),
    keys: async (prefix) => [...values.keys()].filter((key) => key.startsWith(prefix)),
  };
}

/** Keeps in the browser, for all tabs of one origin. @param {string} name of the database @returns {Store} */
export function browserStore(name = "lingdang") {
  let opening;
  const anew = () => (opening = undefined);
  const open = () => (opening ??= opened(name, anew).catch((cause) => (anew(), Promise.reject(cause))));
  const within = async (mode, act) => {
    const transaction = (await open()).transaction("kept", mode, { durability: "strict" });
    const result = act(transaction.objectStore("kept"));
    await new Promise((resolve, reject) => {
      transaction.oncomplete = resolve;
      transaction.onabort = transaction.onerror = () => reject(transaction.error ?? result.error);
    });
    return result.result;
  };
  return {
    get: (key) => within("readonly", (kept) => kept.get(key)),
    put: (key, value) => within("readwrite", (kept) => kept.put(value, key)).then(() => {}),
    delete: (key) => within("readwrite", (kept) => kept.delete(key)).then(() => {}),
    keys: (prefix) => within("readonly", (kept) => kept.getAllKeys(IDBKeyRange.bound(prefix, `${prefix}\uffff`))),
  };
}

/** How long a browser may take to open its database: some never answer where site data is blocked. */
const OPENING_MS = 5000;

/** The database; `closed` is told when the browser closes it, as when the reader clears the site's data. */
const opened = async (name, closed) => {
  const request = indexedDB.open(name, 1);
  request.onupgradeneeded = () => request.result.createObjectStore("kept");
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(Object.assign(request.result, { onclose: closed }));
    request.onerror = () => reject(request.error);
    setTimeout(() => reject(new Error("the browser's database does not open")), OPENING_MS);
  });
};

/**
 * Keeps in a store, and in memory what the store does not take: site data may be blocked, or the disk full. After a
 * failed reading all stays in memory, so that nothing is written over what could not be seen. `refused` is told.
 * @param {Store} store @param {() => void} refused @returns {Store}
 */
export function forgivingStore(store, refused) {
  const memory = memoryStore();
  /** The keys whose last change the store did not take. */
  const changed = new Set();
  let unread = false;
  const isOurs = (key) => unread || changed.has(key);
  const read = (act) =>
    act().catch(() => {
      unread = true;
      refused();
    });
  const change = async (key, act, inMemory) => {
    await inMemory();
    if (unread) return;
    await act().then(
      () => Promise.all([changed.delete(key), memory.delete(key)]),
      () => [changed.add(key), refused()],
    );
  };
  return {
    get: async (key) => (isOurs(key) ? memory.get(key) : ((await read(() => store.get(key))) ?? memory.get(key))),
    put: (key, value) => change(key, () => store.put(key, value), () => memory.put(key, value)),
    delete: (key) => change(key, () => store.delete(key), () => memory.delete(key)),
    keys: async (prefix) => {
      const stored = (unread ? null : await read(() => store.keys(prefix))) ?? [];
      return [...stored.filter((key) => !isOurs(key)), ...(await memory.keys(prefix))];
    },
  };
}

/**
 * The browser's store, one for each shop, or memory where there is none.
 * @param {string} baseUrl @param {() => void} refused @returns {Store}
 */
export function defaultStore(baseUrl, refused) {
  const shop = baseUrl.replace(/\/$/, "");
  const here = shop === "" || shop === globalThis.location?.origin;
  return forgivingStore(browserStore(here ? "lingdang" : `lingdang ${shop}`), refused);
}
