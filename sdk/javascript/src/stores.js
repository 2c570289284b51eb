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
  const open = () =>
    (opening ??= settled(indexedDB.open(name, 1), (request) => {
      request.onupgradeneeded = () => request.result.createObjectStore("kept");
    }));
  const within = async (mode, act) => {
    const transaction = (await open()).transaction("kept", mode, { durability: "strict" });
    const result = act(transaction.objectStore("kept"));
    await new Promise((resolve, reject) => {
      transaction.oncomplete = resolve;
      transaction.onabort = transaction.onerror = () => reject(transaction.error);
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

const settled = (request, prepare) =>
  new Promise((resolve, reject) => {
    prepare(request);
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });

/** IndexedDB where there is one, else memory. @returns {Store} */
export const defaultStore = () => (globalThis.indexedDB ? browserStore() : memoryStore());
