// Writes the test root under which matter.js certifies its virtual devices, for the server to
// trust: node paa.mjs FOLDER
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

// Not exported by its package.
const authorities = new URL(
  "node_modules/@matter/protocol/dist/esm/certificate/ChipPAAuthorities.js",
  import.meta.url,
);
const { TestCert_PAA_NoVID_Cert: root } = await import(authorities);

const folder = process.argv[2];
mkdirSync(folder, { recursive: true });
writeFileSync(join(folder, "dcld_mirror_CN_Matter_Test_PAA.der"), root);
// Without its version the server would fetch the roots of all makers from the network.
writeFileSync(join(folder, ".version"), "1");
