export { createMongoDocuments, type MongoDocuments, type MongoDocumentsOptions } from "./mongo-documents.ts";
