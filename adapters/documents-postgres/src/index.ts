export {
  createPostgresDocuments,
  type PostgresDocuments,
  type PostgresDocumentsOptions,
} from "./postgres-documents.ts";
