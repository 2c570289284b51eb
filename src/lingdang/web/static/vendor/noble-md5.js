export { md5 } from "./noble-hashes/legacy.js";
