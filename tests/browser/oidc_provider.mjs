// A real OpenID provider on loopback for the tests: one client, people who sign in without being asked. Arguments: the redirect URI.
// Its first line says where it is. `/as/NAME` makes NAME the one who signs in next.
import { createServer } from "node:http";
import { generateKeyPairSync, randomUUID } from "node:crypto";

// Nobody reads its advice; the first line is ours.
console.info = () => {};

// Packages stand in target/npm, where ci/test installs them.
const { Provider } = await import(new URL("../../target/npm/node_modules/oidc-provider/lib/index.js", import.meta.url));

const [redirect] = process.argv.slice(2);
const people = {
  ada: { email: "ada@example.com", email_verified: true, groups: [] },
  bob: { email: "bob@example.com", email_verified: true, groups: ["rooms"] },
  eve: { email: "ada@example.com", email_verified: false, groups: [] },
};
let next = "ada";

const key = (type, options, extra) => {
  const { privateKey } = generateKeyPairSync(type, options);
  return { ...privateKey.export({ format: "jwk" }), kid: randomUUID(), use: "sig", ...extra };
};
const server = createServer();
await new Promise((up) => server.listen(0, "127.0.0.1", up));
const issuer = `http://127.0.0.1:${server.address().port}`;
const client = (id, alg, method) => ({
  client_id: id,
  client_secret: "a-client-secret/with+signs",
  redirect_uris: [redirect],
  id_token_signed_response_alg: alg,
  token_endpoint_auth_method: method,
});
const provider = new Provider(issuer, {
  clients: [client("otj", "RS256", "client_secret_basic"), client("otj-es", "ES256", "client_secret_basic")],
  jwks: { keys: [key("rsa", { modulusLength: 2048 }), key("ec", { namedCurve: "P-256" })] },
  claims: { email: ["email", "email_verified"], profile: ["groups"] },
  conformIdTokenClaims: false,
  pkce: { required: () => true },
  cookies: { keys: [randomUUID()] },
  features: { devInteractions: { enabled: false } },
  findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id, ...people[id] }) }),
  interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
});
provider.use(async (ctx, proceed) => {
  if (ctx.path.startsWith("/as/")) {
    next = ctx.path.slice(4);
    ctx.body = next;
  } else if (ctx.path.startsWith("/interaction/")) {
    const details = await provider.interactionDetails(ctx.req, ctx.res);
    let result = { login: { accountId: next } };
    if (next === "nobody") {
      result = { error: "access_denied", error_description: "canary" };
    } else if (details.prompt.name === "consent") {
      const grant = new provider.Grant({ accountId: details.session.accountId, clientId: details.params.client_id });
      grant.addOIDCScope("openid email profile");
      result = { consent: { grantId: await grant.save() } };
    }
    await provider.interactionFinished(ctx.req, ctx.res, result, { mergeWithLastSubmission: true });
    ctx.respond = false;
  } else {
    await proceed();
  }
});
server.on("request", provider.callback());
console.log(issuer);
