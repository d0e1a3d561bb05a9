import type { Documents } from "@banyan/kernel/documents";
import { shownUrl } from "@banyan/kernel/documents";
import { usageFailure } from "../failure.ts";
import type { Environment } from "../project/environment.ts";

/** What keeps documents as BANYAN_DOCUMENTS says, not open yet; where none is set, the application's own database. */
export async function documentsOf(
  { BANYAN_DOCUMENTS: url, BANYAN_NAMESPACE: namespace }: Pick<Environment, "BANYAN_DOCUMENTS" | "BANYAN_NAMESPACE">,
  databaseUrl: string,
): Promise<Documents> {
  if (url === undefined || /^postgres(ql)?:/.test(url)) {
    const { createPostgresDocuments } = await import("@banyan/documents-postgres");
    return createPostgresDocuments(url === undefined ? { url: databaseUrl, inStore: true } : { url });
  }
  if (/^mongodb(\+srv)?:/.test(url)) {
    const { createMongoDocuments } = await import("@banyan/documents-mongodb");
    return createMongoDocuments({ url, ...(namespace !== undefined && { namespace }) });
  }
  throw usageFailure(
    `BANYAN_DOCUMENTS is "${shownUrl(url)}", where no documents are known to be kept.`,
    "Set it to mongodb://HOST/DATABASE or postgres://HOST/DATABASE, or leave it out: documents then lie in the application's own database.",
  );
}
