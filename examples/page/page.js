// A page of your own site that sells from a Lingdang shop elsewhere: the client comes from node_modules, the session is
// opened here, and the private key that signs never leaves the browser.
import { Lingdang, Problem } from "./node_modules/lingdang/src/index.js";

const given = new URLSearchParams(location.hash.slice(1));
const shop = new Lingdang({ baseUrl: given.get("shop") });
const said = document.querySelector("#said");

// On your page the token is what your own sign-in has brought. Passwords are for customers who have one at the shop.
const who = given.has("token")
  ? { platformToken: given.get("token") }
  : { custId: given.get("custId"), password: given.get("password") };

document.querySelector("#buy").addEventListener("click", async () => {
  try {
    await shop.login(who);
    const order = await shop.checkout([document.querySelector("#product").value]);
    const payment = await shop.pay(order.orderId);
    said.textContent = `Paid ${payment.paid}, ${payment.balance} are left.`;
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    said.textContent = `${error.code}: ${error.detail}`;
  }
});
