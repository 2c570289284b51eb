// A platform's Express application beside Lingdang: it credits bells that it has sold, and keeps texts for their owners.
//
//     SHOP_URL=http://127.0.0.1:8080 SHOP_KEY=ld_… PORT=3000 node app.mjs
import express from "express";

const shop = process.env.SHOP_URL;
const app = express();
app.use(express.json());

// After your payment provider has confirmed. Sent again with the same creditId, it is booked once.
app.post("/customers/:custId/bells", async (request, response) => {
  const { paymentId, bells } = request.body;
  const answer = await fetch(`${shop}/v1/admin/wallets/${encodeURIComponent(request.params.custId)}/credits`, {
    method: "POST",
    headers: { authorization: `Bearer ${process.env.SHOP_KEY}`, "content-type": "application/json" },
    body: JSON.stringify({
      creditId: paymentId,
      amount: bells,
      kind: "paid",
      reason: "Bought at the counter",
      createCustomer: true,
    }),
  });
  if (!answer.ok) return refuse(response, answer);
  response.json({ balance: (await answer.json()).balance });
});

// A text for whoever owns it: the customer's own headers are asked about.
app.get("/texts/:productId", async (request, response) => {
  const answer = await fetch(`${shop}/v1/access?productId=${encodeURIComponent(request.params.productId)}`, {
    headers: { authorization: request.get("authorization") ?? "", "x-cust-id": request.get("x-cust-id") ?? "" },
  });
  if (!answer.ok) return refuse(response, answer);
  response.send(`The text of ${request.params.productId}`);
});

// Hand a refusal on: go by its code, show its detail.
async function refuse(response, answer) {
  const { code, detail } = await answer.json();
  response.status(answer.status).json({ code, detail });
}

const server = app.listen(Number(process.env.PORT ?? 3000), "127.0.0.1", () => {
  console.log(`http://127.0.0.1:${server.address().port}`);
});
