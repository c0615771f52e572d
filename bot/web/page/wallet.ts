// Wallets in the browser, by EIP-1193 and EIP-6963. No wallet's own code is loaded; typed data is all that is ever asked of one.
import { checksummed } from "./hash";

export interface Provider {
  request(args: { method: string; params?: unknown[] }): Promise<unknown>;
  on?(event: string, listener: () => void): void;
}

export interface Wallet {
  id: string;
  name: string;
  icon: string;
  provider: Provider;
}

interface Announcement {
  info: { uuid: string; name: string; icon: string; rdns: string };
  provider: Provider;
}

/** Finds wallets as they announce themselves; one that only sets window.ethereum comes last. */
export function discover(found: (wallets: Wallet[]) => void): void {
  const announced: Wallet[] = [];
  window.addEventListener("eip6963:announceProvider", (event) => {
    const { info, provider } = (event as CustomEvent<Announcement>).detail;
    if (announced.some((w) => w.id === info.uuid)) return;
    announced.push({ id: info.uuid, name: info.name, icon: info.icon.startsWith("data:image/") ? info.icon : "", provider });
    tell();
  });
  const tell = (): void => {
    const injected = (window as unknown as { ethereum?: Provider }).ethereum;
    const others = injected && !announced.some((w) => w.provider === injected) && announced.length === 0;
    found(others ? [{ id: "window.ethereum", name: "Browser wallet", icon: "", provider: injected }] : [...announced]);
  };
  window.addEventListener("ethereum#initialized", tell);
  window.dispatchEvent(new Event("eip6963:requestProvider"));
  tell();
  setTimeout(tell, 400); // extensions that inject late
}

/** What went wrong in a wallet, in plain words. */
export class WalletError extends Error {
  constructor(readonly code: number, message: string) {
    super(message);
  }
}

const declined = 4001; // EIP-1193: the person said no
const unknownChain = 4902; // wallet_switchEthereumChain: the wallet does not have the chain

async function ask(wallet: Wallet, method: string, params: unknown[] = []): Promise<unknown> {
  try {
    return await wallet.provider.request({ method, params });
  } catch (thrown) {
    const { code, message } = (typeof thrown === "object" && thrown !== null ? thrown : {}) as { code?: unknown; message?: unknown };
    const known = typeof code === "number" ? code : 0;
    if (known === declined) throw new WalletError(known, "You declined in the wallet. Nothing was signed or sent; you can try again.");
    if (known === unknownChain) throw new WalletError(known, "The wallet does not know this chain. Add it in the wallet, then try again.");
    throw new WalletError(known, `The wallet refused: ${typeof message === "string" ? message.slice(0, 300) : "it gave no reason"}`);
  }
}

const texts = (value: unknown): string[] => (Array.isArray(value) ? value.filter((v) => typeof v === "string") : []);

/** Asks the person for accounts; [] is never given. */
export async function connect(wallet: Wallet): Promise<string[]> {
  const accounts = texts(await ask(wallet, "eth_requestAccounts")).filter((a) => /^0x[0-9a-fA-F]{40}$/.test(a));
  if (accounts.length === 0) throw new WalletError(0, "The wallet gave no account. Unlock it and try again.");
  return accounts.map(checksummed);
}

/** The accounts that the wallet shows already, without asking anyone. */
export async function accountsOf(wallet: Wallet): Promise<string[]> {
  return texts(await ask(wallet, "eth_accounts")).filter((a) => /^0x[0-9a-fA-F]{40}$/.test(a)).map(checksummed);
}

export async function chainOf(wallet: Wallet): Promise<number> {
  const id = await ask(wallet, "eth_chainId");
  return typeof id === "string" ? Number(BigInt(id)) : Number(id);
}

export async function switchTo(wallet: Wallet, chainId: number): Promise<void> {
  await ask(wallet, "wallet_switchEthereumChain", [{ chainId: `0x${chainId.toString(16)}` }]);
}

export async function signTypedData(wallet: Wallet, account: string, document: unknown): Promise<string> {
  const signature = await ask(wallet, "eth_signTypedData_v4", [account, JSON.stringify(document)]);
  if (typeof signature !== "string" || !/^0x([0-9a-fA-F]{2})+$/.test(signature)) throw new WalletError(0, "The wallet gave something that is not a signature.");
  return signature;
}

export async function send(wallet: Wallet, tx: { from: string; to: string; data: string; value: string }): Promise<string> {
  const hash = await ask(wallet, "eth_sendTransaction", [tx]);
  if (typeof hash !== "string") throw new WalletError(0, "The wallet gave no transaction hash. Look into the wallet before you send again.");
  return hash;
}

export async function ethCall(wallet: Wallet, to: string, data: string): Promise<string> {
  const result = await ask(wallet, "eth_call", [{ to, data }, "latest"]);
  if (typeof result !== "string") throw new WalletError(0, "no answer");
  return result;
}

export async function codeAt(wallet: Wallet, address: string): Promise<string> {
  const code = await ask(wallet, "eth_getCode", [address, "latest"]);
  if (typeof code !== "string") throw new WalletError(0, "no answer");
  return code;
}

/** Tells when the person changes account or chain in the wallet. */
export function follow(wallet: Wallet, changed: () => void): void {
  wallet.provider.on?.("accountsChanged", changed);
  wallet.provider.on?.("chainChanged", changed);
}
