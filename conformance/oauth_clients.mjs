// openid-client and oauth4webapi, as npm has them, get tokens and use them. Arguments: url, then id and secret of v4 and v5.
import assert from "node:assert/strict";
import * as oauth from "oauth4webapi";
import * as openid from "openid-client";

const [url, v4, secretV4, v5, secretV5] = process.argv.slice(2);
const audience = "https://public.api.gateway.chartboost.com";
const endpoints = [
  ["/oauth/token", v5, secretV5],
  ["/v5/oauth/token", v5, secretV5],
  ["/v4/token", v4, secretV4],
];

async function use(token) {
  for (const path of ["/v4/apps", "/v5/apps"]) {
    const answer = await fetch(url + path, { headers: { authorization: `Bearer ${token}` } });
    assert.equal(answer.status, 200);
    assert.equal((await answer.json()).total, 0);
  }
}

for (const [path, id, secret] of endpoints) {
  const server = { issuer: url, token_endpoint: url + path };

  for (const authentication of [openid.ClientSecretBasic(secret), openid.ClientSecretPost(secret)]) {
    const configuration = new openid.Configuration(server, id, {}, authentication);
    openid.allowInsecureRequests(configuration);
    const token = await openid.clientCredentialsGrant(configuration, { audience });
    assert.equal(token.expires_in, 86400);
    await use(token.access_token);
    const apps = await openid.fetchProtectedResource(configuration, token.access_token, new URL("/v5/apps", url), "GET");
    assert.equal(apps.status, 200);
  }

  const client = { client_id: id };
  const insecure = { [oauth.allowInsecureRequests]: true };
  for (const authentication of [oauth.ClientSecretBasic(secret), oauth.ClientSecretPost(secret)]) {
    const answer = await oauth.clientCredentialsGrantRequest(server, client, authentication, new URLSearchParams(), insecure);
    const token = await oauth.processClientCredentialsResponse(server, client, answer);
    await use(token.access_token);
  }

  const wrong = await oauth.clientCredentialsGrantRequest(
    server, client, oauth.ClientSecretBasic("wrong"), new URLSearchParams(), insecure);
  await assert.rejects(oauth.processClientCredentialsResponse(server, client, wrong), (error) => {
    // The challenge of the Authorization header is read before the body.
    return error instanceof oauth.WWWAuthenticateChallengeError && error.cause[0].scheme === "basic";
  });
}
