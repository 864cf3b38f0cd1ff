import { importSPKI, jwtVerify } from "jose";

const REMEMBERED = 1000;

/**
 * A function from an Authorization header to true or false. A verified token is remembered until it expires, because a
 * load test sends the same hundred tokens thousands of times; refused ones are judged anew each time.
 */
export async function createVerifier({ publicKey, issuer, audience, algorithm }) {
  const key = await importSPKI(publicKey, algorithm);
  const options = { issuer, audience, algorithms: [algorithm], requiredClaims: ["exp", "sub"] };
  const good = new Map();
  return async (header) => {
    const token = /^Bearer ([\w-]+\.[\w-]+\.[\w-]+)$/i.exec(header ?? "")?.[1];
    if (!token) return false;
    if (Date.now() < (good.get(token) ?? 0)) return true;
    try {
      const { payload } = await jwtVerify(token, key, options);
      if (good.size >= REMEMBERED) good.delete(good.keys().next().value);
      good.set(token, payload.exp * 1000);
      return true;
    } catch {
      return false;
    }
  };
}
