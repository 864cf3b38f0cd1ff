import { createRemoteJWKSet, importSPKI, jwtVerify } from "jose";

const REMEMBERED = 1000;
// Made-up tokens must not become requests to whoever publishes the keys.
const PUBLISHED = { cooldownDuration: 5_000, timeoutDuration: 1_000, cacheMaxAge: Infinity };

/**
 * A function from an Authorization header to true or false. A verified token is remembered until it expires, because a
 * load test sends the same hundred tokens thousands of times; refused ones are judged anew each time. A token that the
 * told key has not signed may be of a newer one, which is asked for at `jwksUrl`.
 */
export async function createVerifier({ publicKey, jwksUrl, issuer, audience, algorithm }) {
  const key = await importSPKI(publicKey, algorithm);
  const options = { issuer, audience, algorithms: [algorithm], requiredClaims: ["exp", "sub"] };
  const published = jwksUrl && createRemoteJWKSet(new URL(jwksUrl), PUBLISHED);
  const good = new Map();
  const check = async (token) => {
    try {
      return await jwtVerify(token, key, options);
    } catch (error) {
      if (!published || error.code !== "ERR_JWS_SIGNATURE_VERIFICATION_FAILED") throw error;
      return await jwtVerify(token, published, options);
    }
  };
  return async (header) => {
    const token = /^Bearer ([\w-]+\.[\w-]+\.[\w-]+)$/i.exec(header ?? "")?.[1];
    if (!token) return false;
    if (Date.now() < (good.get(token) ?? 0)) return true;
    try {
      const { payload } = await check(token);
      if (good.size >= REMEMBERED) good.delete(good.keys().next().value);
      good.set(token, payload.exp * 1000);
      return true;
    } catch {
      return false;
    }
  };
}
