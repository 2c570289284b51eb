// A page of your own site that sells from a Lingdang shop elsewhere: the client comes from node_modules, the session is
// opened here, and the private key that signs never leaves the browser.
import { Lingdang, Problem } from "./node_modules/lingdang/src/index.js";

const parameters = new URLSearchParams(location.search);
const shop = new Lingdang({ baseUrl: parameters.get("shop") });
const said = document.querySelector("#said");

document.querySelector("#buy").addEventListener("click", async () => {
  try {
    // With your own identity provider: shop.login({ platformToken }).
    await shop.login({ custId: parameters.get("custId"), password: parameters.get("password") });
    const order = await shop.checkout([document.querySelector("#product").value]);
    const payment = await shop.pay(order.orderId);
    said.textContent = `Paid ${payment.paid}, ${payment.balance} are left.`;
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    said.textContent = `${error.code}: ${error.detail}`;
  }
});
