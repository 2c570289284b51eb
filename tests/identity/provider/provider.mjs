// A real OpenID provider: signs in whoever names themselves on its own login page, and signs tokens for the shop.
import { createServer } from "node:http";
import Provider from "oidc-provider";

const API = "https://api.shop.example";
const server = createServer();
await new Promise((done) => server.listen(0, "127.0.0.1", done));
const issuer = `http://127.0.0.1:${server.address().port}`;

const provider = new Provider(issuer, {
  clients: [
    {
      client_id: "shop-front",
      token_endpoint_auth_method: "none",
      grant_types: ["authorization_code"],
      response_types: ["code"],
      redirect_uris: ["https://shop.example/signed-in"],
    },
  ],
  findAccount: (_ctx, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
  features: {
    devInteractions: { enabled: true },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => API,
      useGrantedResource: () => true,
      getResourceServerInfo: () => ({ scope: "read", audience: API, accessTokenFormat: "jwt", accessTokenTTL: 300 }),
    },
  },
});
server.on("request", provider.callback());
console.log(issuer);
